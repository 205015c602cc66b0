package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/settings"
)

// pages returns the reference's files by name.
func pages(registry *plugins.Registry) map[string]string {
	return map[string]string{
		"worker.md":     workerPage(),
		"connectors.md": connectorsPage(registry),
		"transforms.md": pluginsPage(registry, "Transforms and predicates", "Each has its settings under `transforms.ALIAS.` or `predicates.ALIAS.`.", plugins.Transformation, plugins.Predicate),
		"converters.md": pluginsPage(registry, "Converters", "Each has its settings under `key.converter.`, `value.converter.` or `header.converter.`.", plugins.Converter, plugins.HeaderConverter),
	}
}

const made = "<!-- Made by `make generate` from the definitions in the code. -->\n\n"

func workerPage() string {
	var b strings.Builder
	b.WriteString("# Worker settings\n\n" + made)
	b.WriteString("The keys of `worker.properties`. Settings of the Kafka clients (`producer.`, `consumer.`, `admin.` and those without a prefix) are Kafka's own.\n\n## Distributed\n\n")
	distributed, standalone := settings.DistributedDef().Keys(), settings.StandaloneDef().Keys()
	table(&b, distributed)
	b.WriteString("\n## Standalone only\n\n")
	table(&b, slices.DeleteFunc(standalone, func(k configdef.Key) bool {
		return slices.ContainsFunc(distributed, func(o configdef.Key) bool { return o.Name == k.Name })
	}))
	return b.String()
}

func connectorsPage(registry *plugins.Registry) string {
	var b strings.Builder
	b.WriteString("# Connector settings\n\n" + made)
	b.WriteString("## All connectors\n\n")
	common := settings.ConnectorDef().Keys()
	table(&b, common)
	for _, kind := range []struct {
		title string
		def   *configdef.Def
	}{{"All sources", settings.SourceDef()}, {"All sinks", settings.SinkDef()}} {
		fmt.Fprintf(&b, "\n## %s\n\n", kind.title)
		table(&b, slices.DeleteFunc(kind.def.Keys(), func(k configdef.Key) bool {
			return slices.ContainsFunc(common, func(o configdef.Key) bool { return o.Name == k.Name })
		}))
	}
	list(&b, registry, plugins.Source, plugins.Sink)
	return b.String()
}

func pluginsPage(registry *plugins.Registry, title, intro string, kinds ...plugins.Kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s%s\n", title, made, intro)
	list(&b, registry, kinds...)
	return b.String()
}

// list describes each class once, whatever it can be used as.
func list(b *strings.Builder, registry *plugins.Registry, kinds ...plugins.Kind) {
	seen := map[string]bool{}
	for _, p := range registry.List(kinds...) {
		if seen[p.Class] {
			continue
		}
		seen[p.Class] = true
		fmt.Fprintf(b, "\n## `%s`\n\n", p.Class)
		var names []string
		for _, name := range registry.Names(p) {
			if name != p.Class {
				names = append(names, "`"+name+"`")
			}
		}
		if names != nil {
			fmt.Fprintf(b, "Also %s.\n\n", strings.Join(names, ", "))
		}
		table(b, p.ConfigDef().Keys())
	}
}

func table(b *strings.Builder, keys []configdef.Key) {
	keys = slices.DeleteFunc(keys, func(k configdef.Key) bool { return k.Internal })
	if len(keys) == 0 {
		b.WriteString("No settings.\n")
		return
	}
	b.WriteString("| key | type | default | |\n|---|---|---|---|\n")
	for _, k := range keys {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.Name, strings.ToLower(k.Type.String()), defaultText(k), cell(k.Doc))
	}
}

// defaultText is a key's default as the table shows it.
func defaultText(k configdef.Key) string {
	switch {
	case !k.HasDefault:
		return "required"
	case k.AlternativeName != "":
		return cell(k.AlternativeName)
	}
	text, ok := configdef.ConvertToString(k.Default, k.Type)
	if !ok {
		return ""
	}
	if text == "" {
		return "empty"
	}
	return "`" + cell(text) + "`"
}

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}
