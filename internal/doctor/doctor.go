// Package doctor examines what a worker is about to be started with: its settings, the
// Kafka cluster, the topics that keep its state, its rights there, and its REST
// listeners. For all that is wrong it says the cure.
//
// It changes nothing anywhere. How a worker is started is not here.
package doctor

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/suggest"
	"github.com/moldau-io/moldau/plugins"
	"github.com/moldau-io/moldau/runtime/settings"
)

// Level says how bad a finding is.
type Level string

// The levels.
const (
	// OK: as it should be.
	OK Level = "ok"
	// Note: could not be found out, or good to know.
	Note Level = "note"
	// Warning: the worker will run, but not as it probably should.
	Warning Level = "warn"
	// Problem: the worker will not start, or will lose data or fail later.
	Problem Level = "fail"
)

// Finding is one thing that was looked at.
type Finding struct {
	// Part is what was examined: settings, plugins, kafka, topics, rights, group, rest,
	// clock.
	Part  string `json:"part"`
	Level Level  `json:"level"`
	Text  string `json:"text"`
	// Cure is what to do about it, "" for nothing.
	Cure string `json:"cure,omitempty"`
}

// Options say what to examine.
type Options struct {
	// Props are the worker's settings, Mode its kind.
	Props map[string]string
	Mode  settings.Mode
	// Plugins are what the worker can run.
	Plugins *plugins.Registry
	// Logger takes what config providers say.
	Logger *slog.Logger
	// Timeout bounds each question to the network.
	Timeout time.Duration
	// Dial connects to brokers, Listen tries the REST listeners, Lookup finds the
	// addresses of a name, Hostname that of this machine and Now the time; nil is what
	// the system has.
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Listen   func(network, address string) (net.Listener, error)
	Lookup   func(ctx context.Context, host string) ([]string, error)
	Hostname func() (string, error)
	Now      func() time.Time
	// Report is told of each finding as it is made.
	Report func(Finding)
}

// doctor is one examination.
type doctor struct {
	Options
	worker *settings.Worker
	part   string
}

// ModeOf guesses from its settings what kind of worker they are for.
func ModeOf(props map[string]string) settings.Mode {
	_, file := props["offset.storage.file.filename"]
	_, group := props["group.id"]
	_, topic := props["config.storage.topic"]
	if file && !group && !topic {
		return settings.Standalone
	}
	return settings.Distributed
}

// Run examines everything. What depends on something that is wrong is left out.
func Run(ctx context.Context, o Options) {
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Listen == nil {
		o.Listen = net.Listen
	}
	if o.Lookup == nil {
		o.Lookup = net.DefaultResolver.LookupHost
	}
	if o.Hostname == nil {
		o.Hostname = os.Hostname
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &doctor{Options: o}
	d.settings(ctx)
	if d.worker == nil {
		return
	}
	defer func() {
		if err := d.worker.Close(); err != nil {
			d.part = "settings"
			d.note("", "closing the config providers: %v", err)
		}
	}()
	d.plugins()
	d.kafka(ctx)
	d.rest(ctx)
}

func (d *doctor) say(l Level, cure, format string, args ...any) {
	d.Report(Finding{d.part, l, fmt.Sprintf(format, args...), cure})
}

func (d *doctor) ok(format string, args ...any) { d.say(OK, "", format, args...) }

func (d *doctor) note(cure, format string, args ...any) { d.say(Note, cure, format, args...) }

func (d *doctor) warn(cure, format string, args ...any) { d.say(Warning, cure, format, args...) }

func (d *doctor) problem(cure, format string, args ...any) { d.say(Problem, cure, format, args...) }

// message is an error's text without its class.
func message(err error) string {
	if text, ok := errs.Message(err); ok && text != "" {
		return text
	}
	return err.Error()
}

// settings reads the settings and says all that is wrong with them, not the first
// error alone.
func (d *doctor) settings(ctx context.Context) {
	d.part = "settings"
	known := settings.KnownKeys(d.Mode)
	for _, key := range settings.UnknownKeys(d.Mode, d.Props) {
		cure := "remove it"
		if meant, ok := suggest.Closest(key, known); ok {
			cure = "did you mean " + meant + "?"
			if _, there := d.Props[meant]; there {
				cure = "remove it; " + meant + " is set, too"
			}
		}
		d.warn(cure, "%s is not known and has no effect", key)
	}
	o := settings.WorkerOptions{Plugins: settings.Catalogue(d.Plugins), Logger: d.Logger}
	w, err := settings.LoadWorker(ctx, d.Mode, d.Props, o)
	if err != nil {
		// With converters taken as they are; if they alone are wrong, that is found later.
		o.Plugins = nil
		if lenient, lenientErr := settings.LoadWorker(ctx, d.Mode, d.Props, o); lenientErr == nil {
			w, err = lenient, nil
		}
	}
	if err != nil {
		d.wrongSettings(err)
		return
	}
	d.worker = w
	kind := "a worker of a cluster"
	if d.Mode == settings.Standalone {
		kind = "a worker on its own"
	}
	d.ok("%d settings of %s can be read", len(d.Props), kind)
	d.smells()
}

// wrongSettings lists every setting with a wrong value; the error that ended the
// reading is one of them, or concerns several settings.
func (d *doctor) wrongSettings(err error) {
	def := settings.DistributedDef()
	if d.Mode == settings.Standalone {
		def = settings.StandaloneDef()
	}
	said := 0
	values := def.ValidateAll(d.Props)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		texts := values[name].Errors
		if len(texts) > 0 {
			// Further errors of one value follow from the first.
			d.problem(cureOf(name, d.Props), "%s", texts[0])
			said++
		}
	}
	if said == 0 {
		d.problem("", "%s", message(err))
	}
}

func cureOf(name string, props map[string]string) string {
	if _, given := props[name]; given {
		return "correct " + name
	}
	example := map[string]string{
		"bootstrap.servers": "broker1:9092,broker2:9092", "group.id": "connect-cluster", "config.storage.topic": "connect-configs",
		"offset.storage.topic": "connect-offsets", "status.storage.topic": "connect-status",
		"key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"offset.storage.file.filename": "/var/lib/connect/offsets",
	}[name]
	if example == "" {
		return "add " + name
	}
	return "add it, such as " + name + "=" + example
}

// smells are settings that are allowed and probably not meant.
func (d *doctor) smells() {
	w := d.worker
	if path := strings.TrimSpace(d.Props["plugin.path"]); path != "" {
		d.note("moldau version --plugins lists what there is", "plugin.path=%s is not read: all plugins are in the binary", path)
	}
	own := w.Config.Originals()
	if strings.EqualFold(own["security.protocol"], "SASL_PLAINTEXT") && (own["sasl.mechanism"] == "PLAIN") {
		d.warn("use security.protocol=SASL_SSL, or SCRAM-SHA-512", "sasl.mechanism=PLAIN with SASL_PLAINTEXT sends the password unencrypted")
	}
	k := w.Cluster
	if k == nil {
		return
	}
	seen := map[string]string{}
	for _, t := range d.storage() {
		if other, ok := seen[t.topic.Name]; ok {
			d.problem("give each a topic of its own", "%s and %s are the same topic, %s", other, t.key, t.topic.Name)
		}
		seen[t.topic.Name] = t.key
	}
	if k.HeartbeatInterval*3 > k.SessionTimeout {
		d.warn("make heartbeat.interval.ms a third of session.timeout.ms or less", "heartbeat.interval.ms=%d is more than a third of session.timeout.ms=%d: one lost heartbeat can cost the worker its tasks",
			k.HeartbeatInterval.Milliseconds(), k.SessionTimeout.Milliseconds())
	}
	// The names of workers' and of sinks' groups are in one space.
	if name, ok := strings.CutPrefix(k.GroupID, "connect-"); ok {
		d.note("", "a sink connector called %q would use the consumer group %s, which is that of the workers", name, k.GroupID)
	}
}

// storageTopic is one of the three topics of a cluster.
type storageTopic struct {
	key   string
	topic settings.StorageTopic
}

func (d *doctor) storage() []storageTopic {
	k := d.worker.Cluster
	return []storageTopic{{"config.storage.topic", k.Config}, {"offset.storage.topic", k.Offset}, {"status.storage.topic", k.Status}}
}

// plugins looks for what the settings name.
func (d *doctor) plugins() {
	d.part = "plugins"
	for _, c := range []struct {
		key  string
		kind plugins.Kind
		is   settings.ConverterSettings
	}{
		{"key.converter", plugins.Converter, d.worker.Key},
		{"value.converter", plugins.Converter, d.worker.Value},
		{"header.converter", plugins.HeaderConverter, d.worker.Header},
	} {
		p, ok := d.Plugins.Find(c.kind, c.is.Class)
		if !ok {
			var classes []string
			for _, other := range d.Plugins.List(c.kind) {
				classes = append(classes, other.Class)
			}
			cure := "moldau version --plugins lists what there is"
			if meant, ok := suggest.Closest(c.is.Class, classes); ok {
				cure = "did you mean " + meant + "?"
			}
			d.problem(cure, "%s=%s is not a known %s", c.key, c.is.Class, strings.ReplaceAll(string(c.kind), "_", " "))
			continue
		}
		d.ok("%s is %s", c.key, p.Class)
	}
}
