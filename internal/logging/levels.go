// Package logging gives loggers names and levels that can be changed while the
// worker runs, as Connect's /admin/loggers does (KIP-495), on top of log/slog.
//
// A logger's name is a dotted path; a logger without a level of its own has that
// of the nearest ancestor that has one, and at last of "root".
package logging

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Root is the name of the logger all others descend from.
const Root = "root"

// Levels of log4j, by name. OFF logs nothing; ALL and TRACE log all there is.
var levels = []struct {
	name string
	slog slog.Level
}{
	{"OFF", slog.Level(100)}, {"FATAL", slog.LevelError + 4}, {"ERROR", slog.LevelError}, {"WARN", slog.LevelWarn},
	{"INFO", slog.LevelInfo}, {"DEBUG", slog.LevelDebug}, {"TRACE", slog.LevelDebug - 4}, {"ALL", slog.Level(-100)},
}

func slogLevel(name string) (slog.Level, bool) {
	for _, l := range levels {
		if l.name == name {
			return l.slog, true
		}
	}
	return 0, false
}

// Canonical returns the level's name as it is stored, and whether there is such a level.
func Canonical(level string) (string, bool) {
	name := strings.ToUpper(strings.TrimSpace(level))
	_, ok := slogLevel(name)
	return name, ok
}

// Level is a logger's level and when it was last set; Modified is zero for never.
type Level struct {
	Name     string
	Modified time.Time
}

// Levels holds the loggers of a worker. It is safe for concurrent use.
type Levels struct {
	mu      sync.Mutex
	loggers map[string]*logger
}

type logger struct {
	name     string
	level    string
	own      bool
	modified time.Time
	enabled  atomic.Int64
}

// New returns levels with the root at the given level, such as "INFO".
func New(root string) *Levels {
	l := &Levels{loggers: map[string]*logger{}}
	name, ok := Canonical(root)
	if !ok {
		name = "INFO"
	}
	r := &logger{name: Root, level: name, own: true}
	r.set(name)
	l.loggers[Root] = r
	return l
}

func (g *logger) set(level string) {
	g.level = level
	s, _ := slogLevel(level)
	g.enabled.Store(int64(s))
}

// lookup returns the logger of that name, made with the level it inherits.
func (l *Levels) lookup(name string) *logger {
	if strings.EqualFold(name, Root) || name == "" {
		return l.loggers[Root]
	}
	if g := l.loggers[name]; g != nil {
		return g
	}
	g := &logger{name: name}
	g.set(l.inherited(name))
	l.loggers[name] = g
	return g
}

func (l *Levels) inherited(name string) string {
	for {
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return l.loggers[Root].level
		}
		name = name[:i]
		if g := l.loggers[name]; g != nil {
			return g.level
		}
	}
}

// Get returns a logger's level, and false for a logger that nobody has named yet.
func (l *Levels) Get(name string) (Level, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.EqualFold(name, Root) {
		name = Root
	}
	g := l.loggers[name]
	if g == nil {
		return Level{}, false
	}
	return Level{g.level, g.modified}, true
}

// All returns the levels of all loggers that are not off.
func (l *Levels) All() map[string]Level {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]Level{}
	for name, g := range l.loggers {
		if g.level != "OFF" {
			out[name] = Level{g.level, g.modified}
		}
	}
	return out
}

// Set sets the level of a logger and of all whose names begin with its, and returns
// the sorted names of those that changed. The level must be canonical.
func (l *Levels) Set(name, level string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	target := l.lookup(name)
	changed := []string{}
	for _, g := range l.loggers {
		if target.name != Root && !strings.HasPrefix(g.name, target.name) {
			continue
		}
		if g.level != level || level == "OFF" {
			g.modified = time.Now()
			changed = append(changed, g.name)
		}
		g.set(level)
	}
	slices.Sort(changed)
	return changed
}

// Logger returns a logger of that name which writes to h.
func (l *Levels) Logger(h slog.Handler, name string) *slog.Logger {
	l.mu.Lock()
	g := l.lookup(name)
	l.mu.Unlock()
	return slog.New(&handler{h, g}).With("logger", name)
}
