package schema

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// testdata holds what Java 17 printed for random numbers of all sizes, subnormals,
// powers of two, whole numbers and short decimals among them.
func TestFloatTextsAreJavas(t *testing.T) {
	f, err := os.Open("testdata/jdk17-floats.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for in := bufio.NewScanner(z); in.Scan(); n++ {
		var size, hex, want string
		if _, err := fmt.Sscan(in.Text(), &size, &hex, &want); err != nil {
			t.Fatalf("%q: %v", in.Text(), err)
		}
		b, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		got := Float64Text(math.Float64frombits(b))
		if size == "f" {
			got = Float32Text(math.Float32frombits(uint32(b)))
		}
		if got != want {
			t.Errorf("%s %s = %s, expected %s", size, hex, got, want)
		}
	}
	if n != 5000 {
		t.Errorf("%d numbers, expected 5000", n)
	}
}

func TestFloatTexts(t *testing.T) {
	for want, f := range map[string]float64{
		"0.0": 0, "-0.0": math.Copysign(0, -1), "NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1),
		"1.0": 1, "100.0": 100, "9999999.0": 9999999, "1.0E7": 1e7, "0.001": 0.001, "1.0E-4": 1e-4, "0.5": 0.5, "1.0E10": 1e10,
		"4.9E-324": 5e-324, "1.7976931348623157E308": math.MaxFloat64, "13.75": 13.75, "-2.5E-5": -2.5e-5, "2.0E-44": 2e-44, "9.999999999999999E22": 1e23, "0.002": 2e-3,
	} {
		if got := Float64Text(f); got != want {
			t.Errorf("%v: %s, expected %s", f, got, want)
		}
	}
	for want, f := range map[string]float32{"2.14748365E9": 2147483648, "1.17549435E-38": 0x1p-126, "1.4E-45": 0x1p-149, "0.1": 0.1, "3.4028235E38": math.MaxFloat32} {
		if got := Float32Text(f); got != want {
			t.Errorf("%v: %s, expected %s", f, got, want)
		}
	}
}

// exactText is Java's way without the shortcuts.
func exactText(f float64) string {
	var d floatDigits
	b := math.Float64bits(math.Abs(f))
	exp, frac, sig := int(b>>52), b&(1<<52-1), 53
	if exp == 0 {
		sig = bits.Len64(frac)
		frac <<= 53 - sig
		exp = sig - 52
	} else {
		frac |= 1 << 52
	}
	d.generate(exp-1023, frac, sig)
	sign := ""
	if f < 0 {
		sign = "-"
	}
	return sign + string(d.append(nil))
}

// The shortcuts give what the long way gives.
func TestFloatShortcuts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		f := math.Float64frombits(r.Uint64())
		switch r.IntN(4) {
		case 0:
			f = float64(r.IntN(1_000_000_000)) / math.Pow10(r.IntN(9))
		case 1:
			f = math.Ldexp(float64(r.IntN(1<<20)), r.IntN(60)-40)
		case 2:
			f, _ = strconv.ParseFloat(fmt.Sprintf("%d.%de%d", r.IntN(100), r.IntN(100_000), r.IntN(20)-10), 64)
		}
		if f == 0 || math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		if got, want := Float64Text(f), exactText(f); got != want {
			t.Fatalf("%x: %s, expected %s", math.Float64bits(f), got, want)
		}
	}
}

func FuzzFloat64Text(f *testing.F) {
	for _, b := range []uint64{0, 1, 1 << 52, 0x7fefffffffffffff, 0x4130000000000000} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b uint64) {
		v := math.Float64frombits(b)
		text := Float64Text(v)
		if back, err := strconv.ParseFloat(text, 64); err != nil || back != v && v == v {
			t.Errorf("%x prints as %s, which reads as %v, %v", b, text, back, err)
		}
		if !strings.ContainsAny(text, ".NI") {
			t.Errorf("%x prints as %s, without a point", b, text)
		}
	})
}

func BenchmarkAppendFloat64(b *testing.B) {
	for _, f := range []float64{42, 13.75, 0.1, math.Pi, 1.5e-7, 6.02214076e23} {
		b.Run(Float64Text(f), func(b *testing.B) {
			buf := make([]byte, 0, 32)
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendFloat64(buf[:0], f)
			}
		})
	}
}
