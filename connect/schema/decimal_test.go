package schema

import (
	"math"
	"math/big"
	"testing"
)

func TestParseDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "1": "1", "+1": "1", "-1.50": "-1.50", "1.": "1", ".5": "0.5", "1e3": "1E+3", "1E-7": "1E-7",
		"1.10e1": "11.0", "00012": "12", "1\u0660": "10", "123456789012345678901234567890.5": "123456789012345678901234567890.5",
		"1e2147483647": "1E+2147483647", "1e-2147483647": "1E-2147483647", "1e0000000000005": "1E+5", "0.000001": "0.000001", "0.0000001": "1E-7",
	} {
		d, ok := ParseDecimal(text)
		if !ok || d.String() != want {
			t.Errorf("%q = %v, %v; expected %s", text, d, ok, want)
		}
	}
	for _, text := range []string{"", "+", "-", ".", "e1", "1e", "1e+", "1e+-1", "--1", "1.2.3", "1a", " 1", "1 ", "1e2147483648", "1e12345678901", "1.5e-2147483648", "0x1", "NaN", "1_0"} {
		if d, ok := ParseDecimal(text); ok {
			t.Errorf("%q is taken for %s", text, d)
		}
	}
}

func TestDecimalBytes(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, math.MaxInt64, math.MinInt64} {
		d := DecimalFromInt64(n, 2)
		b := d.UnscaledBytes()
		if back := DecimalFromBytes(b, 2); !back.Equal(d) {
			t.Errorf("%d: bytes %x read as %s", n, b, back)
		}
		if len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
			t.Errorf("%d: bytes %x are not the shortest", n, b)
		}
	}
}

func TestDecimalConversions(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "-1.9": -1, "0.99": 0, "1e2": 100, "9223372036854775808": math.MinInt64, "18446744073709551616": 0, "1e-400": 0,
		"1e1000000000": 0, "1e-1000000000": 0, "1e64": 0, "3e63": -1 << 63, "12345678901234567890.5": -6101065172474983726,
	} {
		d, ok := ParseDecimal(text)
		if !ok {
			t.Fatal(text)
		}
		if got := d.Int64(); got != want {
			t.Errorf("%s as int64: %d, expected %d", text, got, want)
		}
	}
	for text, want := range map[string]float64{"0.1": 0.1, "1e400": math.Inf(1), "-1e400": math.Inf(-1), "1e-400": 0, "-0.0": 0} {
		d, _ := ParseDecimal(text)
		if got := d.Float64(); got != want || want == 0 && text == "-0.0" && math.Signbit(got) {
			t.Errorf("%s as float64: %v", text, got)
		}
	}
	for text, want := range map[string]bool{"1": true, "1.0": true, "1.5": false, "1e5": true, "0.00": true, "1e-1000000000": false, "10e-1": true} {
		d, _ := ParseDecimal(text)
		if d.IsWhole() != want {
			t.Errorf("%s is whole: %v", text, !want)
		}
	}
	if _, ok := DecimalFromFloat64(math.NaN()); ok {
		t.Error("NaN is taken for a decimal")
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "-1e10", "1e-400", "12345678901234567890", "1e2147483647", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := ParseDecimal(s)
		if !ok {
			return
		}
		back, ok := ParseDecimal(d.String())
		if !ok || !back.Equal(d) {
			t.Errorf("%q prints as %s, which reads as %v", s, d, back)
		}
		d.Int64()
		d.IsWhole()
	})
}

func FuzzDecimalBytes(f *testing.F) {
	f.Add([]byte{0xff, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		d := DecimalFromBytes(b, 0)
		if back := DecimalFromBytes(d.UnscaledBytes(), 0); back.Unscaled().Cmp(d.Unscaled()) != 0 {
			t.Errorf("%x = %s, written as %x", b, d, d.UnscaledBytes())
		}
		if want := new(big.Int).SetBytes(b); b[0] < 0x80 && want.Cmp(d.Unscaled()) != 0 {
			t.Errorf("%x = %s, expected %s", b, d, want)
		}
	})
}
