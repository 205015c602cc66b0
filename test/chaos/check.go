package chaos

import (
	"fmt"
	"slices"
)

// Result is what became of numbered records.
type Result struct {
	Records    int // how many arrived, each time counted
	Lost       int // numbers that never arrived
	Duplicates int // arrivals after a number's first
	Disordered int // first arrivals after that of a later number of the same key
	Strange    int // arrivals of numbers that were never sent
	// Examples are some of the lost, the disordered and the strange numbers.
	Examples []string
}

func (r Result) String() string {
	text := fmt.Sprintf("%d records, %d lost, %d duplicates, %d out of order", r.Records, r.Lost, r.Duplicates, r.Disordered)
	if r.Strange > 0 {
		text += fmt.Sprintf(", %d that were never sent", r.Strange)
	}
	for _, e := range r.Examples {
		text += "; " + e
	}
	return text
}

// Wrong says whether a promise is broken that holds everywhere; the duplicates are
// for the caller to judge.
func (r Result) Wrong() bool { return r.Lost > 0 || r.Disordered > 0 || r.Strange > 0 }

// Check compares numbers in the order of their arrival with what was sent: 0 to n-1,
// of which those with the same remainder when divided by keys have the same key.
// Order counts within a key, and for first arrivals alone: a repetition may come at any
// time.
func Check(arrived []int, n, keys int) Result {
	r := Result{Records: len(arrived)}
	example := func(format string, args ...any) {
		if len(r.Examples) < 8 {
			r.Examples = append(r.Examples, fmt.Sprintf(format, args...))
		}
	}
	seen := make([]bool, n)
	last := slices.Repeat([]int{-1}, keys)
	for _, i := range arrived {
		switch {
		case i < 0 || i >= n:
			r.Strange++
			example("%d was never sent", i)
		case seen[i]:
			r.Duplicates++
		default:
			seen[i] = true
			if last[i%keys] > i {
				r.Disordered++
				example("%d came after %d", i, last[i%keys])
			}
			last[i%keys] = max(last[i%keys], i)
		}
	}
	for i, there := range seen {
		if !there {
			r.Lost++
			example("%d is lost", i)
		}
	}
	return r
}
