package standard

import (
	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/plugins"
	smt "github.com/moldau-io/moldau/transforms"
	"github.com/moldau-io/moldau/transforms/predicates"
)

const apache = "org.apache.kafka.connect.transforms."

// transforms are the transforms and predicates that ship.
func transforms() []plugins.Plugin {
	var out []plugins.Plugin
	// Connect's own: those that work on a part of the record exist once for each.
	for name, make := range map[string]func(smt.Part) connect.Transform{
		"Cast": smt.NewCast, "ExtractField": smt.NewExtractField, "Flatten": smt.NewFlatten, "HeaderFrom": smt.NewHeaderFrom,
		"HoistField": smt.NewHoistField, "InsertField": smt.NewInsertField, "MaskField": smt.NewMaskField,
		"ReplaceField": smt.NewReplaceField, "SetSchemaMetadata": smt.NewSetSchemaMetadata, "TimestampConverter": smt.NewTimestampConverter,
	} {
		out = append(out, both(apache+name, nil, make)...)
	}
	for name, make := range map[string]func() connect.Transform{
		"DropHeaders": smt.NewDropHeaders, "Filter": smt.NewFilter, "InsertHeader": smt.NewInsertHeader,
		"RegexRouter": smt.NewRegexRouter, "TimestampRouter": smt.NewTimestampRouter, "ValueToKey": smt.NewValueToKey,
	} {
		out = append(out, transform(apache+name, nil, make))
	}
	for name, make := range map[string]func() connect.Predicate{
		"HasHeaderKey": predicates.NewHasHeaderKey, "RecordIsTombstone": predicates.NewRecordIsTombstone,
		"TopicNameMatches": predicates.NewTopicNameMatches,
	} {
		out = append(out, plugins.Plugin{Kind: plugins.Predicate, Class: apache + "predicates." + name, Version: connect.Version,
			New: func() connect.Configured { return make() }})
	}
	return out
}

// both lists a transform for keys and for values. Aliases are names without $Key and $Value.
func both(class string, aliases []string, make func(smt.Part) connect.Transform) []plugins.Plugin {
	of := func(suffix string, part smt.Part) plugins.Plugin {
		var names []string
		for _, alias := range aliases {
			names = append(names, alias+suffix)
		}
		return transform(class+suffix, names, func() connect.Transform { return make(part) })
	}
	return []plugins.Plugin{of("$Key", smt.Key), of("$Value", smt.Value)}
}

func transform(class string, aliases []string, make func() connect.Transform) plugins.Plugin {
	return plugins.Plugin{Kind: plugins.Transformation, Class: class, Aliases: aliases, Version: connect.Version,
		New: func() connect.Configured { return make() }}
}
