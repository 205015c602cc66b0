package protobuf

import (
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/test/vectors"
)

// rich is a file with a field of every sort.
const rich = `syntax = "proto3"; package p;
import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto";
import "google/type/date.proto"; import "google/type/timeofday.proto"; import "confluent/type/decimal.proto";
message All {
  double a = 1; float b = 2; int32 c = 3; int64 d = 4; uint32 e = 5; uint64 f = 6; sint32 g = 7; sint64 h = 8;
  fixed32 i = 9; fixed64 j = 10; sfixed32 k = 11; sfixed64 l = 12; bool m = 13; string n = 14; bytes o = 15;
  E p = 16; repeated E q = 17; repeated int32 r = 18; repeated string s = 19; repeated All t = 20; All u = 21;
  oneof v { int32 w = 22; All x = 23; string y = 24; google.type.Date date = 25; }
  map<string, All> z = 26; map<int32, E> aa = 27; optional int32 bb = 28; optional All cc = 29;
  google.protobuf.Timestamp dd = 30; google.type.TimeOfDay ee = 31; confluent.type.Decimal ff = 32;
  google.protobuf.Int32Value gg = 33; google.protobuf.StringValue hh = 34; google.protobuf.Struct ii = 35;
  int32 jj = 36 [(confluent.field_meta) = {params: [{key: "connect.type", value: "int8"}]}];
  repeated google.protobuf.UInt32Value kk = 100;
  enum E { Z = 0; O = 1; N = -1; }
}`

// variants are settings that lead to all that the reader does.
func variants() []Options {
	return []Options{
		{WrapperForRawPrimitives: true, OptionalForProto2: true, GenerateIndexForUnions: true},
		{FlattenUnions: true, EnhancedSchemas: true, IntForEnums: true},
		{WrapperForNullables: true, OptionalForNullables: true, GeneralizedSumTypes: true, GenerateStructForNulls: true},
		{WrapperForNullables: true},
	}
}

func FuzzText(f *testing.F) {
	f.Add(rich)
	f.Add(`syntax = "proto2"; message A { required B b = 1; optional group G = 2 { optional int32 x = 1; } extensions 100 to max; } message B { optional A a = 1 [default = 1]; }`)
	f.Add(`message A {} message A {} import "x"; import public "google/protobuf/any.proto"; service S { rpc F (A) returns (stream A) { option deprecated = true; } }`)
	f.Add(`edition = "2023"; package a.; enum E { option allow_alias = true; A = 0 [deprecated = true, (x).y = {a: [1, "2", {b: c}]}]; reserved 3 to 5, "x"; }`)
	f.Add("syntax = \"proto3\"; " + strings.Repeat("message A { ", 200))
	f.Add("message A { option x = " + strings.Repeat("{a: ", 500) + ";}")
	f.Add("message AEntry { string key = 1; AEntry value = 2; } message R { repeated AEntry a = 1; }")
	lines, err := vectors.Cases(vectors.ProtobufConverter)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range lines[:40] {
		f.Add(string(c.Input))
	}
	lib := &library{}
	f.Fuzz(func(t *testing.T, text string) {
		def, err := parse(text)
		if err != nil {
			return
		}
		printed := def.String()
		if again, err := parse(printed); err == nil && again.String() != printed {
			t.Fatalf("printed again as\n%s\nand not\n%s", again, printed)
		}
		set, err := assemble(def.reformed(), lib.known)
		if err != nil {
			return
		}
		if other := incompatible(set, set); other != nil {
			t.Fatalf("%s\ncannot read itself: %v", text, other)
		}
		_ = set.normalized(def).String() // must not fail
		for _, m := range set.root.messages {
			if name, ok := def.nameAt(def.indexes(m.full)); ok && len(strings.Split(name, ".")) == len(strings.Split(m.full, ".")) && name != m.full && !m.def.mapEntry {
				// A package may have the name of a message: Java looks for that first.
				if !strings.Contains(def.pkg, m.def.name) {
					t.Logf("%s is found as %s", m.full, name)
				}
			}
			for _, o := range variants() {
				r, err := o.connectSchema(m, 1, true)
				if err != nil {
					continue
				}
				var d decoder
				if _, err := d.decode(r, nil); err != nil && !strings.Contains(err.Error(), "required") {
					t.Fatalf("%s without content: %v", m.full, err)
				}
			}
		}
	})
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x08\x01\x12\x00\xaa\x01\x00\xa2\x01\x02\x18\x05\xd2\x01\x02\x0a\x00\x92\x01\x03\x01\x02\x03"))
	f.Add([]byte("\x82\x02\x08\x0a\x020\x39\x10\x03\x18\x02\xca\x01\x07\x08\xe8\x0f\x10\x02\x18\x1d"))
	f.Add([]byte("\x92\x01\xff\xff\xff\xff\x0f"))
	f.Add([]byte("\xa3\x06\xa3\x06\xa4\x06\xa4\x06"))
	lib := &library{}
	def, err := parse(rich)
	if err != nil {
		f.Fatal(err)
	}
	set, err := assemble(def.reformed(), lib.known)
	if err != nil {
		f.Fatal(err)
	}
	type variant struct {
		opts     Options
		readable *readable
	}
	var all []variant
	for _, o := range variants() {
		o.GenerateStructForNulls = false // All holds itself
		r, err := o.connectSchema(set.message("p.All"), 1, true)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, variant{o, r})
	}
	d := &decoder{}
	f.Fuzz(func(t *testing.T, b []byte) {
		wellFormed := check(set.message("p.All"), b, 0) == nil
		for i, v := range all {
			value, err := d.decode(v.readable, b)
			if (err == nil) != wellFormed {
				t.Fatalf("variant %d: %v, while the check says %v", i, err, wellFormed)
			}
			if err != nil || d.rejected != nil {
				continue
			}
			if value.Kind() != schema.KindStruct || len(value.Struct().Schema().Fields()) == 0 {
				t.Fatalf("variant %d: %s", i, value.Text())
			}
		}
	})
}
