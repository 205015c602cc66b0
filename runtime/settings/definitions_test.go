package settings

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	cd "github.com/moldau-io/moldau/connect/configdef"
)

// definitionRow is one setting as Kafka 4.1.1 defines it. Doc is only there where
// the text is part of the compatibility.
type definitionRow struct {
	Set, Name, Type, Importance, Width, Display string
	Required, Internal                          bool
	Default, Validator, Group, Doc              *string
	Order                                       int
	Dependents                                  []string
}

func readLines[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	var rows []T
	for lines.Scan() {
		var row T
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestDefinitionsAsApache(t *testing.T) {
	withDefault := SourceDef()
	withDefault.Embed("topic.creation.default.", "default", 0, defaultTopicGroupDef())
	defs := map[string]*cd.Def{
		"distributed": DistributedDef(), "standalone": StandaloneDef(),
		"source": SourceDef(), "sink": SinkDef(), "sourceDefault": withDefault,
		"topicDefault": defaultTopicGroupDef(), "topicGroup": topicGroupDef("Topic Creation: g", 3, 7),
		"producer": ProducerDef(), "consumer": ConsumerDef(), "admin": AdminDef(),
	}
	bySet := map[string][]definitionRow{}
	for _, row := range readLines[definitionRow](t, "testdata/definitions.jsonl") {
		bySet[row.Set] = append(bySet[row.Set], row)
	}
	for set, def := range defs {
		var ours []cd.Key
		for _, k := range def.Keys() {
			if !strings.HasPrefix(k.Name, ownPrefix) {
				ours = append(ours, k)
			}
		}
		if len(ours) != len(bySet[set]) {
			t.Errorf("%s: %d settings, want %d", set, len(ours), len(bySet[set]))
		}
		for i, want := range bySet[set] {
			if i >= len(ours) {
				break
			}
			compareRow(t, ours[i], want)
		}
	}
	if len(bySet) != len(defs) {
		t.Errorf("%d definitions recorded, %d compared", len(bySet), len(defs))
	}
}

func compareRow(t *testing.T, k cd.Key, want definitionRow) {
	t.Helper()
	got := definitionRow{
		Set: want.Set, Name: k.Name, Type: k.Type.String(), Importance: k.Importance.String(), Width: k.Width.String(), Display: k.DisplayName,
		Required: !k.HasDefault, Internal: k.Internal, Order: k.OrderInGroup, Dependents: append([]string{}, k.Dependents...),
	}
	if text, ok := cd.ConvertToString(k.Default, k.Type); ok {
		got.Default = &text
	}
	if k.Validator != nil {
		text := k.Validator.String()
		got.Validator = &text
		if want.Validator != nil && *want.Validator == "?" {
			got.Validator = want.Validator // the text is an object's address
		}
	}
	if k.Group != "" {
		got.Group = &k.Group
	}
	if want.Internal {
		want.Group = nil // "" there, which is shown as little
	}
	if want.Doc != nil {
		got.Doc = &k.Doc
	}
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("%s:\n got %s\nwant %s", want.Set, g, w)
	}
	if k.Doc == "" {
		t.Errorf("%s: %s has no text", want.Set, k.Name)
	}
}
