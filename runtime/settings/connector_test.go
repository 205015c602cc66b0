package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/plugins"
)

// catalogueOf is a catalogue of plugins without behaviour, named as Connect's are.
type catalogueOf struct {
	list  []Plugin
	names map[plugins.Kind]map[string]int
}

func (c *catalogueOf) Find(name string, kinds ...plugins.Kind) (Plugin, bool) {
	for _, kind := range kinds {
		if i, ok := c.names[kind][cd.Trim(name)]; ok {
			return c.list[i], true
		}
	}
	return Plugin{}, false
}

func (c *catalogueOf) List(kind plugins.Kind) []Plugin {
	var list []Plugin
	for _, p := range c.list {
		if p.Kind == kind {
			list = append(list, p)
		}
	}
	return list
}

func (c *catalogueOf) add(kind plugins.Kind, suffix, class string, keys ...cd.Key) {
	if c.names[kind] == nil {
		c.names[kind] = map[string]int{}
	}
	i := len(c.list)
	c.list = append(c.list, Plugin{Kind: kind, Class: class, Version: "4.1.1", Def: func() *cd.Def { return cd.New(keys...) }})
	simple := class[strings.LastIndexByte(class, '.')+1:]
	c.names[kind][class] = i
	if !strings.Contains(simple, "$") {
		c.names[kind][simple] = i
		c.names[kind][strings.TrimSuffix(simple, suffix)] = i
	}
}

func fakePlugins() Plugins {
	const connect = "org.apache.kafka.connect."
	c := &catalogueOf{names: map[plugins.Kind]map[string]int{}}
	c.add(plugins.Source, "Connector", connect+"file.FileStreamSourceConnector")
	c.add(plugins.Sink, "Connector", connect+"file.FileStreamSinkConnector")
	for _, kind := range []plugins.Kind{plugins.Converter, plugins.HeaderConverter} {
		for _, name := range []string{"Boolean", "ByteArray", "Double", "Float", "Integer", "Long", "Short"} {
			c.add(kind, "Converter", connect+"converters."+name+"Converter")
		}
		c.add(kind, "Converter", connect+"json.JsonConverter")
		if kind == plugins.HeaderConverter {
			c.add(kind, "HeaderConverter", SimpleHeaderConverter)
		}
		c.add(kind, "Converter", connect+"storage.StringConverter")
	}
	settings := map[string][]cd.Key{
		"RegexRouter": {
			cd.Required("regex", cd.String, cd.High, "").WithValidator(patternValidator()),
			cd.Required("replacement", cd.String, cd.High, ""),
		},
		"HoistField$Value": {cd.Required("field", cd.String, cd.Medium, "")},
	}
	for _, name := range []string{
		"Cast$Key", "Cast$Value", "DropHeaders", "ExtractField$Key", "ExtractField$Value", "Filter", "Flatten$Key", "Flatten$Value",
		"HeaderFrom$Key", "HeaderFrom$Value", "HoistField$Key", "HoistField$Value", "InsertField$Key", "InsertField$Value", "InsertHeader",
		"MaskField$Key", "MaskField$Value", "RegexRouter", "ReplaceField$Key", "ReplaceField$Value", "SetSchemaMetadata$Key",
		"SetSchemaMetadata$Value", "TimestampConverter$Key", "TimestampConverter$Value", "TimestampRouter", "ValueToKey",
	} {
		c.add(plugins.Transformation, "Transformation", connect+"transforms."+name, settings[name]...)
	}
	c.add(plugins.Predicate, "Predicate", connect+"transforms.predicates.HasHeaderKey",
		cd.Required("name", cd.String, cd.Medium, "").WithValidator(cd.NonEmptyString()))
	c.add(plugins.Predicate, "Predicate", connect+"transforms.predicates.RecordIsTombstone")
	c.add(plugins.Predicate, "Predicate", connect+"transforms.predicates.TopicNameMatches")
	return c
}

type connectorRecord struct {
	Kind                       string
	Props                      map[string]string
	Error, SinkError           *string
	Class, ValidateError       string
	TopicGroups, Groups, Names []string
	Rows                       []map[string]any
}

func TestConnectorsAsApache(t *testing.T) {
	p := fakePlugins()
	for _, r := range readLines[connectorRecord](t, "testdata/connectors.jsonl") {
		var err error
		var groups []string
		if r.Kind == "source" {
			var s *Source
			if s, err = ParseSource(p, r.Props, true); err == nil {
				groups = describeGroups(s.TopicGroups)
			}
		} else {
			_, err = ParseSink(p, r.Props)
			if err := CheckSink(r.Props); r.SinkError == nil || *r.SinkError != "?" {
				compareError(t, r, "sink", err, r.SinkError)
			}
		}
		compareError(t, r, "parse", err, r.Error)
		if err != nil && errs.Class(err) != r.Class {
			t.Errorf("%v: a %s, want a %s", r.Props, errs.Class(err), r.Class)
		}
		if want := expectGroups(r.TopicGroups); !reflect.DeepEqual(groups, want) {
			t.Errorf("%v: topic groups %q, want %q", r.Props, groups, want)
		}
	}
}

func compareError(t *testing.T, r connectorRecord, what string, err error, want *string) {
	t.Helper()
	text, _ := messageOrNone(err)
	switch {
	case want == nil && err != nil:
		t.Errorf("%s %v: %s: %q, want no error", r.Kind, r.Props, what, text)
	case want != nil && text != *want:
		t.Errorf("%s %v: %s:\n got %q\nwant %q", r.Kind, r.Props, what, text, *want)
	}
}

// describeGroups prints groups as Java does.
func describeGroups(groups []TopicGroup) []string {
	var texts []string
	for _, g := range groups {
		var configs []string
		for _, name := range slices.Sorted(maps.Keys(g.Configs)) {
			configs = append(configs, name+"="+g.Configs[name])
		}
		texts = append(texts, fmt.Sprintf("TopicCreationGroup{name='%s', inclusionPattern=%s, exclusionPattern=%s, numPartitions=%d, replicationFactor=%d, otherConfigs={%s}}",
			g.Name, g.Include, g.Exclude, g.Partitions, g.Replicas, strings.Join(configs, ", ")))
	}
	return texts
}

// expectGroups puts the default group last, where the worker looks at it.
func expectGroups(texts []string) []string {
	isDefault := func(text string) bool { return strings.HasPrefix(text, "TopicCreationGroup{name='default'") }
	i := slices.IndexFunc(texts, isDefault)
	if i < 0 {
		return texts
	}
	last := texts[i]
	return append(slices.DeleteFunc(texts, isDefault), last)
}

func TestValidationAsApache(t *testing.T) {
	p := fakePlugins()
	json := ConverterSettings{Class: "org.apache.kafka.connect.json.JsonConverter"}
	worker := Converters{Key: json, Value: json, Header: ConverterSettings{Class: SimpleHeaderConverter}}
	base := map[string]map[string]map[string]any{}
	for _, r := range readLines[connectorRecord](t, "testdata/connectors.jsonl") {
		enriched := EnrichedSourceDef
		if r.Kind == "sink" {
			enriched = EnrichedSinkDef
		}
		def, err := enriched(p, r.Props, worker)
		if text, _ := messageOrNone(err); err != nil || r.ValidateError != "" {
			if r.ValidateError != errs.Class(err)+": "+text {
				t.Errorf("%s %v: %v, want %s", r.Kind, r.Props, err, r.ValidateError)
			}
			continue
		}
		if got := def.Groups(); !reflect.DeepEqual(got, r.Groups) {
			t.Errorf("%s %v: groups %q, want %q", r.Kind, r.Props, got, r.Groups)
		}
		if got := def.Names(); !reflect.DeepEqual(got, r.Names) {
			t.Errorf("%s %v: names %q, want %q", r.Kind, r.Props, got, r.Names)
		}
		values := def.ValidateAll(r.Props)
		if r.Kind == "sink" {
			ValidateSink(r.Props, values)
		}
		// The records hold what differs from the first of their kind.
		rows := map[string]map[string]any{}
		if base[r.Kind] == nil {
			base[r.Kind] = rows
		} else {
			maps.Copy(rows, base[r.Kind])
		}
		for _, row := range r.Rows {
			rows[row["name"].(string)] = row
		}
		for _, k := range def.Keys() {
			compareValue(t, r, k, values[k.Name], rows[k.Name])
		}
	}
}

func compareValue(t *testing.T, r connectorRecord, k cd.Key, v *cd.Value, want map[string]any) {
	t.Helper()
	text := func(value any) any {
		if s, ok := cd.ConvertToString(value, k.Type); ok {
			return s
		}
		return nil
	}
	recommended := []any{}
	for _, value := range v.RecommendedValues {
		recommended = append(recommended, text(value))
	}
	errorTexts := []any{}
	for _, e := range v.Errors {
		errorTexts = append(errorTexts, e)
	}
	got := map[string]any{
		"name": k.Name, "type": k.Type.String(), "default": text(k.Default), "required": !k.HasDefault, "group": nil,
		"order": float64(k.OrderInGroup), "display": k.DisplayName, "importance": k.Importance.String(), "width": k.Width.String(),
		"doc": k.Doc, "value": text(v.Value), "recommended": recommended, "errors": errorTexts, "visible": v.Visible,
	}
	if k.Group != "" {
		got["group"] = k.Group
	}
	if want["doc"] == nil {
		got["doc"] = nil
	}
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("%s %v:\n got %s\nwant %s", r.Kind, r.Props, g, w)
	}
}

func TestStages(t *testing.T) {
	props := map[string]string{
		"name": "n", "connector.class": "FileStreamSink", "topics": "t",
		"transforms":        "a, b",
		"transforms.a.type": "RegexRouter", "transforms.a.regex": "x", "transforms.a.replacement": "y",
		"transforms.a.predicate": "p", "transforms.a.negate": " TRUE",
		"transforms.b.type": "org.apache.kafka.connect.transforms.Filter", "transforms.b.extra": "kept",
		"predicates": "p", "predicates.p.type": "HasHeaderKey", "predicates.p.name": "h",
	}
	parse := func() ([]Stage, error) {
		t.Helper()
		s, err := ParseSink(fakePlugins(), props)
		if err != nil {
			t.Fatal(err)
		}
		return s.Stages()
	}
	got, err := parse()
	if err != nil {
		t.Fatal(err)
	}
	want := []Stage{
		{
			Transform: StagePlugin{"a", "org.apache.kafka.connect.transforms.RegexRouter", map[string]string{"type": "RegexRouter", "regex": "x", "replacement": "y"}},
			Predicate: &StagePlugin{"p", "org.apache.kafka.connect.transforms.predicates.HasHeaderKey", map[string]string{"type": "HasHeaderKey", "name": "h"}},
		},
		{Transform: StagePlugin{"b", "org.apache.kafka.connect.transforms.Filter", map[string]string{"type": "org.apache.kafka.connect.transforms.Filter", "extra": "kept"}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	props["transforms.a.negate"] = "True"
	if got, err := parse(); err != nil || !got[0].Negate {
		t.Errorf("negate: %v, %v", got, err)
	}
	props["transforms.b.predicate"] = "nope"
	_, err = parse()
	const cause = "org.apache.kafka.common.config.ConfigException: Unknown configuration 'predicates.nope.plugin.version'"
	if text, _ := messageOrNone(err); text != "org.apache.kafka.connect.errors.ConnectException: "+cause || errs.Class(err) != errs.ClassConnect {
		t.Errorf("unknown predicate: %v", err)
	}
}

func TestConnectorFields(t *testing.T) {
	p := fakePlugins()
	s, err := ParseSource(p, map[string]string{
		"name": "n", "connector.class": "FileStreamSource", "tasks.max": "3", "tasks.max.enforce": "false",
		"config.action.reload": "none", "errors.tolerance": "all", "errors.retry.timeout": "-1", "errors.log.enable": "true",
		"value.converter": "Json", "value.converter.schemas.enable": "false", "connector.plugin.version": "[4,5)",
		"producer.override.acks": "1", "transaction.boundary": "INTERVAL", "transaction.boundary.interval.ms": "10",
		"exactly.once.support": "Required", "offsets.storage.topic": "mine", "topic.creation.groups": "ignored",
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string][2]any{
		"tasks":     {s.TasksMax, 3},
		"enforce":   {s.EnforceTasksMax, false},
		"reload":    {s.ReloadRestart, false},
		"errors":    {s.Errors, ErrorSettings{RetryTimeout: millis(-1), RetryDelayMax: millis(60000), TolerateAll: true, Log: true}},
		"key":       {s.Key == nil && s.Header == nil, true},
		"value":     {*s.Value, ConverterSettings{Class: "org.apache.kafka.connect.json.JsonConverter", Props: map[string]string{"converter.type": "value", "schemas.enable": "false"}}},
		"version":   {s.Version.String(), "[4,5)"},
		"overrides": {s.Overrides(ProducerOverrides), map[string]string{"acks": "1"}},
		"boundary":  {s.Boundary, "interval"},
		"interval":  {[]any{s.BoundaryInterval, s.HasBoundaryInterval}, []any{millis(10), true}},
		"required":  {s.ExactlyOnceRequired, true},
		"offsets":   {s.OffsetsTopic, "mine"},
		"groups":    {s.TopicGroups == nil, true},
	} {
		if !reflect.DeepEqual(c[0], c[1]) {
			t.Errorf("%s: %+v, want %+v", what, c[0], c[1])
		}
	}
	sink, err := ParseSink(p, map[string]string{
		"name": "n", "connector.class": "FileStreamSink", "topics": "a,b , a,", "errors.deadletterqueue.topic.name": " d ",
		"errors.deadletterqueue.context.headers.enable": "true",
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sink.Topics, []string{"a", "b"}) || sink.TopicsRegex != nil || sink.DLQ != (DeadLetters{"d", 3, true}) {
		t.Errorf("sink %+v", sink)
	}
	if kind, ok := ConnectorKind(p, map[string]string{"connector.class": "FileStreamSink"}); !ok || kind != plugins.Sink {
		t.Errorf("kind %s, %v", kind, ok)
	}
	if !UsesDeadLetters(map[string]string{keyDLQTopic: "d"}) || UsesDeadLetters(map[string]string{keyDLQTopic: " "}) {
		t.Error("UsesDeadLetters is wrong")
	}
}

func TestTopicGroupMatches(t *testing.T) {
	s, err := ParseSource(fakePlugins(), map[string]string{
		"name": "n", "connector.class": "FileStreamSource", "topic.creation.groups": "g,h",
		"topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1",
		"topic.creation.g.include": "a.*,b", "topic.creation.g.exclude": "ax|ay",
	}, true)
	if err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]bool{"a": true, "abc": true, "b": true, "bc": false, "ax": false, "axx": true} {
		if got, err := s.TopicGroups[0].Matches(topic); got != want || err != nil {
			t.Errorf("%s: %v, %v", topic, got, err)
		}
		if got, err := s.TopicGroups[1].Matches(topic); got || err != nil {
			t.Errorf("%s matches a group that includes nothing", topic)
		}
	}
}

func TestUnresolvedDef(t *testing.T) {
	values := UnresolvedDef(fakePlugins(), "FileStreamSource").ValidateAll(map[string]string{"connector.class": "FileStreamSource", "name": "n"})
	if v := values[keyConnectorVersion]; v.Value != "4.1.1" || len(v.RecommendedValues) != 0 || !v.Visible {
		t.Errorf("version %+v", v)
	}
	if v := values["key.converter.plugin.version"]; v.Visible || v.Value != nil {
		t.Errorf("key converter's version %+v", v)
	}
}

// An alias must not be able to break the definition.
func FuzzEnrich(f *testing.F) {
	f.Add("a", "a.type", "RegexRouter")
	f.Add("a,a.type", "a", "org.apache.kafka.connect.transforms.Cast")
	f.Add("a,a.plugin,a.", "", "Filter")
	f.Fuzz(func(t *testing.T, aliases, alias, class string) {
		props := map[string]string{
			"name": "n", "connector.class": "FileStreamSource", "transforms": aliases, "predicates": aliases,
			"transforms." + alias + ".type": class, "predicates." + alias + ".type": class,
		}
		p := fakePlugins()
		if c, err := ParseSource(p, props, true); err == nil {
			if _, err := c.Stages(); err != nil {
				t.Error(err)
			}
		}
		if def, err := EnrichedSourceDef(p, props, Converters{}); err == nil {
			def.Validate(props)
		}
	})
}
