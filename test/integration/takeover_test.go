//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/test/refstack"
)

// states are the states of connectors and their tasks, as a worker says, without the
// workers that they are on.
func states(url string, names []string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range names {
		var s struct {
			Connector struct{ State string }
			Tasks     []struct{ State string }
		}
		if err := get(url+"/connectors/"+name+"/status", &s); err != nil {
			return nil, err
		}
		out[name] = fmt.Sprint(s.Connector.State, s.Tasks)
	}
	return out, nil
}

// offsets waits until all that was fed is committed, and returns the offsets of all
// connectors, as a worker says, by connector and partition.
func (c *cluster) offsets(url string) map[string]string {
	c.t.Helper()
	var out map[string]string
	eventually(c.t, 30*time.Second, func() error {
		out = map[string]string{}
		for _, p := range c.pipelines {
			in, err := os.Stat(p.in)
			if err != nil {
				return err
			}
			for name, want := range map[string]int64{p.name + "-source": in.Size(), p.name + "-sink": int64(p.lines)} {
				var s struct {
					Offsets []struct {
						Partition map[string]any
						Offset    struct {
							Position int64
							Kafka    int64 `json:"kafka_offset"`
						}
					}
				}
				if err := get(url+"/connectors/"+name+"/offsets", &s); err != nil {
					return err
				}
				sum := int64(0)
				for _, o := range s.Offsets {
					sum += o.Offset.Position + o.Offset.Kafka
					out[fmt.Sprint(name, o.Partition)] = fmt.Sprint(o.Offset)
				}
				if sum != want {
					return fmt.Errorf("offsets of %s come to %d, expected %d", name, sum, want)
				}
			}
		}
		return nil
	})
	return out
}

// A worker of Apache's that ran, paused and stopped connectors is replaced by one of
// ours with the same settings, and that one by Apache's again: connectors have the same
// states and offsets, and nothing is lost or, since each worker stops in order, comes
// twice.
func TestTakeover(t *testing.T) {
	c := &cluster{t: t, group: unique(t, "g"), settings: map[string]string{
		"session.timeout.ms": "6000", "heartbeat.interval.ms": "1500", "scheduled.rebalance.max.delay.ms": "0", "offset.flush.interval.ms": "500",
	}}
	settings := []string{"group.id=" + c.group, "config.storage.topic=" + c.group + "-configs", "offset.storage.topic=" + c.group + "-offsets", "status.storage.topic=" + c.group + "-status"}
	for key, value := range c.settings {
		settings = append(settings, key+"="+value)
	}
	servers.connect(t, settings...)
	apache := servers.url(refstack.Connect)
	for range 3 {
		c.pipeline(apache)
	}
	c.feed(100)
	c.arrived()
	before := c.offsets(apache)
	var names []string
	for _, p := range c.pipelines {
		names = append(names, p.name+"-source", p.name+"-sink")
	}
	order := func(url, name, what string) {
		t.Helper()
		eventually(t, 30*time.Second, func() error {
			status, answer, err := request(http.MethodPut, url+"/connectors/"+name+"/"+what, nil)
			if err == nil && status >= 300 {
				err = fmt.Errorf("%s %s: status %d: %s", what, name, status, answer)
			}
			return err
		})
	}
	// become waits until a worker says that connectors are in these states.
	become := func(url string, want map[string]string) {
		t.Helper()
		eventually(t, 60*time.Second, func() error {
			got, err := states(url, names)
			if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
				err = fmt.Errorf("%v, expected %v", got, want)
			}
			return err
		})
	}
	source, sink := c.pipelines[1].name+"-source", c.pipelines[2].name+"-sink"
	order(apache, source, "pause")
	order(apache, sink, "stop")
	want := map[string]string{}
	for _, name := range names {
		switch {
		case name == source:
			want[name] = "PAUSED[{PAUSED}]"
		case name == sink:
			want[name] = "STOPPED[]"
		case strings.HasSuffix(name, "-sink"):
			want[name] = "RUNNING[{RUNNING} {RUNNING}]"
		default:
			want[name] = "RUNNING[{RUNNING}]"
		}
	}
	become(apache, want)
	if err := servers.Down(t.Context(), refstack.Connect); err != nil {
		t.Fatal(err)
	}

	ours := c.add()
	become(ours.url, want)
	if after := c.offsets(ours.url); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("offsets were %v and are %v", before, after)
	}
	c.feed(100)
	order(ours.url, source, "resume")
	order(ours.url, sink, "resume")
	c.arrived()
	before = c.offsets(ours.url)
	order(ours.url, sink, "pause")
	order(ours.url, source, "stop")
	want[source], want[sink] = "STOPPED[]", "PAUSED[{PAUSED} {PAUSED}]"
	become(ours.url, want)
	if err := ours.stop(30 * time.Second); err != nil {
		t.Fatal(err)
	}

	servers.up(t, refstack.Connect)
	become(apache, want)
	if after := c.offsets(apache); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("offsets were %v and are %v", before, after)
	}
	c.feed(100)
	order(apache, source, "resume")
	order(apache, sink, "resume")
	c.arrived()
	for _, p := range c.pipelines {
		text, err := os.ReadFile(p.out)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n != p.lines {
			t.Errorf("%s: %d lines arrived, %d were written", p.name, n, p.lines)
		}
	}
}
