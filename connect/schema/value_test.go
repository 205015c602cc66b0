package schema

import (
	"math"
	"testing"
	"unsafe"
)

func sampleStruct() *StructValue {
	s := NewStruct().Field("a", Of(Int32)).Field("b", OptionalOf(String)).MustBuild()
	return StructOf(s, []Value{OfInt32(1), OfString("x")})
}

func sampleMap() *MapValue {
	m := NewMap(2)
	m.PutString("k", OfInt64(1))
	m.Put(OfInt8(2), OfBoolean(true))
	return m
}

// samples has one value of each kind, in the order of the kinds.
func samples() []Value {
	return []Value{
		Null(), OfInt8(-1), OfInt16(-300), OfInt32(math.MinInt32), OfInt64(math.MinInt64), OfFloat32(1.5), OfFloat64(math.NaN()),
		OfBoolean(true), OfString("text"), OfBytes([]byte{1, 2}), OfArray([]Value{OfInt8(1), Null()}), OfMap(sampleMap()),
		OfStruct(sampleStruct()), OfDecimal(DecimalFromInt64(120, 2)), OfDate(-1),
	}
}

func TestKinds(t *testing.T) {
	for i, v := range samples() {
		if v.Kind() != Kind(i) {
			t.Errorf("sample %d is of kind %s, expected %s", i, v.Kind(), Kind(i))
		}
		if v.IsNull() != (i == 0) {
			t.Errorf("%s: IsNull = %v", v.Kind(), v.IsNull())
		}
	}
}

func TestAccessorsGiveBackWhatWasPutIn(t *testing.T) {
	s := samples()
	if s[1].Int8() != -1 || s[2].Int16() != -300 || s[3].Int32() != math.MinInt32 || s[4].Int64() != math.MinInt64 ||
		s[5].Float32() != 1.5 || !math.IsNaN(s[6].Float64()) || !s[7].Boolean() || s[8].Str() != "text" ||
		string(s[9].Bytes()) != "\x01\x02" || len(s[10].Array()) != 2 || s[11].Map().Len() != 2 ||
		s[12].Struct().At(0).Int32() != 1 || s[13].Decimal().String() != "1.20" || s[14].Date() != -1 {
		t.Error("an accessor gave something else")
	}
	if got := OfString("").Str(); got != "" {
		t.Errorf("empty string gives %q", got)
	}
	if got := OfBytes(nil); got.Kind() != KindBytes || got.Bytes() == nil || len(got.Bytes()) != 0 {
		t.Error("nil bytes are not empty bytes")
	}
	if got := OfArray(nil); got.Kind() != KindArray || len(got.Array()) != 0 {
		t.Error("a nil array is not an empty array")
	}
	if !OfMap(nil).IsNull() || !OfStruct(nil).IsNull() || !OfDecimal(nil).IsNull() {
		t.Error("nil pointers are not null")
	}
	p := OfPlainString("plain")
	if p.Str() != "plain" || !p.IsPlain() || OfString("plain").IsPlain() || !p.Equal(OfString("plain")) {
		t.Error("plain strings are not strings")
	}
	if OfInt64(-1).IsPlain() {
		t.Error("a number is a plain string")
	}
}

func TestAccessorsPanicOnOtherKinds(t *testing.T) {
	accessors := map[Kind]func(Value){
		KindInt8: func(v Value) { v.Int8() }, KindInt16: func(v Value) { v.Int16() }, KindInt32: func(v Value) { v.Int32() },
		KindInt64: func(v Value) { v.Int64() }, KindFloat32: func(v Value) { v.Float32() }, KindFloat64: func(v Value) { v.Float64() },
		KindBoolean: func(v Value) { v.Boolean() }, KindString: func(v Value) { _ = v.Str() }, KindBytes: func(v Value) { v.Bytes() },
		KindArray: func(v Value) { v.Array() }, KindMap: func(v Value) { v.Map() }, KindStruct: func(v Value) { v.Struct() },
		KindDecimal: func(v Value) { v.Decimal() }, KindDate: func(v Value) { v.Date() },
	}
	for kind, access := range accessors {
		for _, v := range samples() {
			func() {
				defer func() {
					if panicked := recover() != nil; panicked == (v.Kind() == kind) {
						t.Errorf("accessor of %s on %s: panicked = %v", kind, v.Kind(), panicked)
					}
				}()
				access(v)
			}()
		}
	}
}

func TestEqual(t *testing.T) {
	a, b := samples(), samples()
	for i := range a {
		for j := range b {
			if a[i].Equal(b[j]) != (i == j) {
				t.Errorf("%s equals %s: %v", a[i].Kind(), b[j].Kind(), i != j)
			}
		}
	}
	if OfFloat64(0).Equal(OfFloat64(math.Copysign(0, -1))) {
		t.Error("0.0 equals -0.0, unlike java.lang.Double")
	}
	if OfDecimal(DecimalFromInt64(10, 1)).Equal(OfDecimal(DecimalFromInt64(1, 0))) {
		t.Error("1.0 equals 1, unlike java.math.BigDecimal")
	}
}

// Holding a scalar must not allocate: every field of every record passes here.
func TestScalarsDoNotAllocate(t *testing.T) {
	text, data := "some text", []byte("some bytes")
	var kept [8]Value
	allocs := testing.AllocsPerRun(100, func() {
		kept[0], kept[1], kept[2] = OfInt64(1<<40), OfFloat64(1.5), OfBoolean(true)
		kept[3], kept[4], kept[5] = OfString(text), OfBytes(data), OfDate(1)
		kept[6], kept[7] = OfInt8(1), Null()
		for _, v := range kept {
			if v.Kind() == KindString && v.Str() != text {
				t.Fatal("lost")
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if size := unsafe.Sizeof(Value{}); size != 16 {
		t.Errorf("a value takes %d bytes", size)
	}
}

func BenchmarkScalars(b *testing.B) {
	b.ReportAllocs()
	var sum int64
	for b.Loop() {
		v := OfInt64(sum)
		sum += v.Int64() + int64(v.Kind())
	}
}
