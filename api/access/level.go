package access

import "strings"

// Level is what a request needs, and what a role allows. Each includes those before it.
type Level uint8

// The levels.
const (
	// None needs no more than to be a known user.
	None Level = iota
	// View reads.
	View
	// Operate pauses, resumes, stops and restarts.
	Operate
	// Edit creates, changes and deletes connectors and their offsets.
	Edit
	// Admin changes the worker, such as the levels of its loggers.
	Admin
)

var levelNames = [...]string{"none", "view", "operate", "edit", "admin"}

// String returns the role's name as it is written in a roles file.
func (l Level) String() string { return levelNames[l] }

func parseLevel(text string) (Level, bool) {
	for l := View; l <= Admin; l++ {
		if strings.EqualFold(text, l.String()) {
			return l, true
		}
	}
	return None, false
}
