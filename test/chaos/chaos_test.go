package chaos

import (
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrived []int
		n, keys int
		want    Result
	}{
		{"all", []int{0, 1, 2, 3}, 4, 1, Result{Records: 4}},
		{"keys are apart", []int{1, 3, 0, 2}, 4, 2, Result{Records: 4}},
		{"lost at the end", []int{0, 1, 2}, 4, 2, Result{Records: 3, Lost: 1}},
		{"lost in the middle", []int{0, 3}, 4, 1, Result{Records: 2, Lost: 2}},
		{"nothing came", nil, 2, 1, Result{Lost: 2}},
		{"repeated from before", []int{0, 1, 2, 1, 2, 3}, 4, 1, Result{Records: 6, Duplicates: 2}},
		{"disordered", []int{0, 2, 1, 3}, 4, 1, Result{Records: 4, Disordered: 1}},
		{"disordered within a key", []int{2, 1, 0, 3}, 4, 2, Result{Records: 4, Disordered: 1}},
		{"strange", []int{0, 1, 7, -1}, 2, 1, Result{Records: 4, Strange: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Check(c.arrived, c.n, c.keys)
			if wrong := c.want.Lost+c.want.Disordered+c.want.Strange > 0; got.Wrong() != wrong || (len(got.Examples) > 0) != wrong {
				t.Errorf("%v is wrong: %v", got, got.Wrong())
			}
			got.Examples = nil
			if got.String() != c.want.String() {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	faults := []Fault{{"a", 3, time.Second, 2 * time.Second}, {"b", 1, 0, 0}, {"never", 0, 0, 0}}
	make := func(seed uint64, name string) (steps []Step) {
		p := NewPlan(seed, name, 4*time.Second, faults...)
		for range 1000 {
			steps = append(steps, p.Next())
		}
		return steps
	}
	one, again, other, beside := make(1, "x"), make(1, "x"), make(2, "x"), make(1, "y")
	count, same, sameBeside := map[string]int{}, 0, 0
	for i, s := range one {
		if s != again[i] {
			t.Fatalf("step %d is %v, and %v with the same seed", i, s, again[i])
		}
		if s == other[i] {
			same++
		}
		if s == beside[i] {
			sameBeside++
		}
		count[s.Fault]++
		if s.Quiet < time.Second || s.Quiet >= 8*time.Second || s.Fault == "a" && (s.Lasts < time.Second || s.Lasts >= 2*time.Second) || s.Fault == "b" && s.Lasts != 0 {
			t.Fatalf("step %v", s)
		}
	}
	if count["a"] < 650 || count["a"] > 850 || count["never"] > 0 || len(count) != 2 {
		t.Errorf("faults %v", count)
	}
	if same > 0 || sameBeside > 0 {
		t.Errorf("%d steps are those of another seed, %d those of another plan", same, sameBeside)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("MOLDAU_SEED", "42")
	if seed, err := Seed(); seed != 42 || err != nil {
		t.Errorf("seed %d, %v", seed, err)
	}
	t.Setenv("MOLDAU_SEED", "x")
	if _, err := Seed(); err == nil {
		t.Error("seed x is accepted")
	}
	for text, want := range map[string]time.Duration{"": time.Minute, "1h": time.Hour, "-1s": 0, "soon": 0} {
		t.Setenv("MOLDAU_CHAOS", text)
		if got, err := Length("MOLDAU_CHAOS", time.Minute); got != want || (err != nil) != (want == 0) {
			t.Errorf("length %q is %v, %v", text, got, err)
		}
	}
}
