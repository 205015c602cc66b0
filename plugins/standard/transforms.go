package standard

import (
	"slices"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/plugins"
	smt "github.com/moldau-io/moldau/transforms"
	"github.com/moldau-io/moldau/transforms/claimcheck"
	"github.com/moldau-io/moldau/transforms/predicates"
)

// Packages of transforms' classes.
const (
	apache    = "org.apache.kafka.connect.transforms."
	ours      = "io.moldau.transforms."
	confluent = "io.confluent.connect.transforms."
	aiven     = "io.aiven.kafka.connect.transforms."
	common    = "com.github.jcustenborder.kafka.connect.transform.common."
	cjmatta   = "com.github.cjmatta.kafka.connect.smt."
)

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
		out = append(out, predicate(apache+"predicates."+name, make))
	}
	return append(out, furtherTransforms()...)
}

// furtherTransforms are those that Apache does not ship, under our own names and, where
// others made the like known, under theirs.
func furtherTransforms() []plugins.Plugin {
	return slices.Concat(
		both(ours+"ExtractTopic", []string{confluent + "ExtractTopic", aiven + "ExtractTopic"}, smt.NewExtractTopic),
		both(ours+"Filter", []string{confluent + "Filter"}, smt.NewContentFilter),
		both(ours+"InsertUuid", []string{cjmatta + "InsertUuid"}, smt.NewInsertUUID),
		both(ours+"TimestampNowField", []string{common + "TimestampNowField"}, smt.NewTimestampNowField),
		both(ours+"ToJson", []string{common + "ToJSON"}, smt.NewToJSON),
		both(ours+"FromJson", nil, smt.NewFromJSON),
		both(ours+"FlattenArrays", nil, smt.NewFlattenArrays),
		both(ours+"DropNulls", nil, smt.NewDropNulls),
		[]plugins.Plugin{
			transform(ours+"ExtractTopic$Header", []string{confluent + "ExtractTopic$Header"}, smt.NewExtractTopicHeader),
			transform(ours+"KeyToValue", []string{aiven + "KeyToValue"}, smt.NewKeyToValue),
			transform(ours+"MessageTimestampRouter", []string{confluent + "MessageTimestampRouter"}, smt.NewMessageTimestampRouter),
			transform(ours+"TimestampNow", []string{common + "TimestampNow"}, smt.NewTimestampNow),
			transform(ours+"TombstoneHandler", []string{aiven + "TombstoneHandler"}, smt.NewTombstoneHandler),
			transform(ours+"CelFilter", nil, smt.NewCELFilter),
			transform(ours+"ClaimCheck", nil, claimcheck.New),
			transform(ours+"ClaimCheckRestore", nil, claimcheck.NewRestore),
			predicate(ours+"predicates.CelCondition", predicates.NewCELCondition),
			predicate(ours+"predicates.JsonPathCondition", predicates.NewJSONPathCondition),
		},
	)
}

func predicate(class string, make func() connect.Predicate) plugins.Plugin {
	return plugins.Plugin{Kind: plugins.Predicate, Class: class, Version: connect.Version, New: func() connect.Configured { return make() }}
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
