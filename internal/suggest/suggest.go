// Package suggest finds the word that was probably meant by one that is misspelt.
package suggest

import "strings"

// maxDistance is how many letters may be wrong, missing or too many, and how many
// letters of the word there must be for each.
const (
	maxDistance = 2
	perMistake  = 3
)

// Closest returns the candidate that is nearest to a word, regardless of case and of
// what stands between its parts, and false if none is near. Of several, the first is
// taken.
func Closest(word string, candidates []string) (string, bool) {
	best, at := min(maxDistance, len(word)/perMistake)+1, ""
	flat := flatten(word)
	for _, c := range candidates {
		if c == word {
			return c, true
		}
		if d := distance(flat, flatten(c), best); d < best {
			best, at = d, c
		}
	}
	return at, at != ""
}

func flatten(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return '.'
		}
		return r
	}, strings.ToLower(s))
}

// distance is the number of bytes to insert, delete, replace or swap with their
// neighbour to make b of a, or limit if it is not below.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
