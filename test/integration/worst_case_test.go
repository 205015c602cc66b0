//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/moldau-io/moldau/test/chaos"
	"github.com/moldau-io/moldau/test/faultproxy"
	"github.com/moldau-io/moldau/test/refstack"
)

// Workers of two groups, one of which writes exactly once, move numbered records while
// they, the broker, the network and Elasticsearch fail as a seed says, and records that
// cannot be written come between. MOLDAU_CHAOS is how long (3m), MOLDAU_SEED the seed of
// a run before. The file comes last: a broker that went through it is not what other
// tests want to measure.
func TestChaos(t *testing.T) {
	length, err := chaos.Length("MOLDAU_CHAOS", 3*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := chaos.Seed()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("chaos for %v; MOLDAU_SEED=%d runs it again", length, seed)
	servers.up(t, refstack.Elasticsearch)
	proxy := servers.faults(t)
	front, err := faultproxy.StartHTTP(servers.addr(refstack.Elasticsearch))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := front.Close(); err != nil {
			t.Error(err)
		}
	})

	once := newGang(t, proxy, 3, map[string]string{
		"exactly.once.source.support": "enabled",
		// Else sinks get what transactions wrote that were aborted, as from any consumer.
		"consumer.isolation.level": "read_committed",
	})
	least := newGang(t, proxy, 2, nil)
	feed := newFeeder(t)
	flows := []*flow{
		generated(t, once, "exactly once", front.URL(), false),
		generated(t, least, "at least once", front.URL(), true),
		lines(t, least, feed),
	}
	flows[0].exactly = true

	inject(t, seed, length, proxy, front, once, least)

	for _, g := range []*gang{once, least} {
		g.recover()
	}
	for _, f := range flows {
		f.finish()
	}
	for _, f := range flows {
		f.check()
	}
	if t.Failed() {
		t.Logf("MOLDAU_SEED=%d runs this again", seed)
	}
}

// inject lets three rows of faults run side by side until the time is over, and
// returns when all of them are healed.
func inject(t *testing.T, seed uint64, length time.Duration, proxy *faultproxy.Proxy, front *faultproxy.HTTP, gangs ...*gang) {
	var workers []*worker
	for _, g := range gangs {
		workers = append(workers, g.workers...)
	}
	const s = time.Second
	var mu sync.Mutex
	count := map[string]int{}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	row := func(p *chaos.Plan, do func(chaos.Step) error) func() error {
		return func() error {
			for {
				step := p.Next()
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(step.Quiet):
				}
				t.Logf("%s %v", time.Now().Format("15:04:05.0"), step)
				mu.Lock()
				count[step.Fault]++
				mu.Unlock()
				if err := do(step); err != nil {
					return fmt.Errorf("%v: %w", step, err)
				}
			}
		}
	}
	var rows errgroup.Group
	rows.Go(row(chaos.NewPlan(seed, "workers", 6*s,
		chaos.Fault{Name: "worker killed", Weight: 4, Longest: 6 * s},
		chaos.Fault{Name: "worker frozen", Weight: 4, Shortest: s, Longest: 14 * s},
		chaos.Fault{Name: "worker stopped", Weight: 2, Longest: 3 * s},
		chaos.Fault{Name: "all workers of a group killed", Weight: 1, Longest: 3 * s},
	), func(step chaos.Step) error {
		for _, w := range workers {
			w.revive() // one that gave up in vain attempts to reach the broker, say
		}
		w := workers[step.Pick%len(workers)]
		switch step.Fault {
		case "worker killed":
			w.p.kill()
		case "worker frozen":
			w.p.signal(syscall.SIGSTOP)
			defer w.p.signal(syscall.SIGCONT)
		case "worker stopped":
			w.p.signal(syscall.SIGTERM)
		default:
			for _, w := range gangs[step.Pick%len(gangs)].workers {
				w.p.kill()
			}
		}
		pause(step.Lasts)
		return nil
	}))
	rows.Go(row(chaos.NewPlan(seed, "broker", 6*s,
		chaos.Fault{Name: "broker killed", Weight: 2, Longest: 4 * s},
		chaos.Fault{Name: "broker frozen", Weight: 2, Shortest: s, Longest: 14 * s},
		chaos.Fault{Name: "connections cut", Weight: 4},
		chaos.Fault{Name: "connections refused", Weight: 3, Shortest: s, Longest: 10 * s},
		chaos.Fault{Name: "network stalled", Weight: 3, Shortest: s, Longest: 14 * s},
		chaos.Fault{Name: "network slow", Weight: 3, Shortest: 2 * s, Longest: 10 * s},
	), func(step chaos.Step) error {
		switch step.Fault {
		case "connections cut":
			proxy.Cut()
			return nil
		case "connections refused":
			proxy.Refuse()
		case "network stalled":
			proxy.Stall()
		case "network slow":
			proxy.Delay(time.Duration(1+step.Pick%40) * time.Millisecond)
		default:
			return outage(refstack.Kafka, step.Fault == "broker frozen", step.Lasts)
		}
		pause(step.Lasts)
		proxy.Heal()
		return nil
	}))
	rows.Go(row(chaos.NewPlan(seed, "Elasticsearch", 8*s,
		chaos.Fault{Name: "Elasticsearch killed", Weight: 1, Longest: 6 * s},
		chaos.Fault{Name: "Elasticsearch frozen", Weight: 2, Shortest: s, Longest: 12 * s},
		chaos.Fault{Name: "requests refused", Weight: 2, Shortest: s, Longest: 8 * s},
		chaos.Fault{Name: "half of the documents refused", Weight: 2, Shortest: s, Longest: 8 * s},
		chaos.Fault{Name: "answers slow", Weight: 2, Shortest: 2 * s, Longest: 10 * s},
		chaos.Fault{Name: "answers lost", Weight: 3, Shortest: s, Longest: 6 * s},
	), func(step chaos.Step) error {
		busy := []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}[step.Pick%2]
		switch step.Fault {
		case "requests refused":
			front.Fail(faultproxy.HTTPFault{Refuse: busy})
		case "half of the documents refused":
			front.Fail(faultproxy.HTTPFault{Items: busy})
		case "answers slow":
			// Some come after the client has given up.
			front.Fail(faultproxy.HTTPFault{Slow: time.Duration(100+step.Pick%4000) * time.Millisecond})
		case "answers lost":
			front.Fail([]faultproxy.HTTPFault{{Drop: true}, {Lose: busy}}[step.Pick/2%2])
		default:
			return outage(refstack.Elasticsearch, step.Fault == "Elasticsearch frozen", step.Lasts)
		}
		pause(step.Lasts)
		front.Heal()
		return nil
	}))
	if err := rows.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, w := range workers {
		w.revive()
	}
	t.Logf("faults: %v; %d requests to Elasticsearch met one", count, front.Hit())
}

// outage freezes or kills a server for a time.
func outage(name string, frozen bool, lasts time.Duration) error {
	// The end of the test must not leave a server that is half dead.
	ctx := context.Background()
	end := func() error { return servers.Up(ctx, name) }
	fault := servers.Kill
	if frozen {
		fault, end = servers.Freeze, func() error { return servers.Thaw(ctx, name) }
	}
	if err := fault(ctx, name); err != nil {
		return err
	}
	pause(lasts)
	return end()
}

// gang is the workers of one group.
type gang struct {
	t       *testing.T
	workers []*worker
	// helped counts tasks that failed and had to be restarted.
	helped int
}

// worker is one of them, and the process it has at present.
type worker struct {
	t         *testing.T
	path, url string
	p         *process
	revived   int
}

// newGang starts a group of workers, every other of them behind the proxy.
func newGang(t *testing.T, proxy *faultproxy.Proxy, n int, extra map[string]string) *gang {
	t.Helper()
	g := &gang{t: t}
	group := unique(t, "g")
	for i := range n {
		settings := map[string]string{
			"bootstrap.servers": servers.addr(refstack.Kafka), "offset.flush.interval.ms": "1000",
			// Who is gone is missed soon.
			"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000", "scheduled.rebalance.max.delay.ms": "3000",
			"consumer.session.timeout.ms": "6000", "consumer.heartbeat.interval.ms": "1000",
		}
		if i%2 == 0 {
			settings["bootstrap.servers"] = proxy.Addr()
		}
		for k, v := range extra {
			settings[k] = v
		}
		w := &worker{t: t}
		w.path, w.url = properties(t, group, settings)
		w.p = start(t, w.url, "worker", w.path)
		g.workers = append(g.workers, w)
	}
	for _, w := range g.workers {
		w.p.ready()
	}
	return g
}

// revive starts the worker if it has ended.
func (w *worker) revive() {
	select {
	case <-w.p.done:
		w.revived++
		w.p = start(w.t, w.url, "worker", w.path)
	default:
	}
}

// recover waits until all workers are healthy.
func (g *gang) recover() {
	g.t.Helper()
	for _, w := range g.workers {
		w.p.ready()
	}
}

func (g *gang) url() string { return g.workers[0].url }

// put calls a worker, again while the group is rebalancing.
func (g *gang) put(path string, body any) {
	g.t.Helper()
	eventually(g.t, 90*time.Second, func() error {
		status, answer, err := request(http.MethodPut, g.url()+path, body)
		if err == nil && status >= 300 {
			err = fmt.Errorf("PUT %s: status %d: %s", path, status, answer)
		}
		return err
	})
}

// settle waits until a connector and its tasks are in a state. Failed tasks are
// restarted, which is counted.
func (g *gang) settle(name, want string, tasks int) {
	g.t.Helper()
	eventually(g.t, 2*time.Minute, func() error {
		var s state
		if err := get(g.url()+"/connectors/"+name+"/status", &s); err != nil {
			return err
		}
		ready := s.Connector.State == want && len(s.Tasks) == tasks
		failed := s.Connector.State == "FAILED"
		for _, task := range s.Tasks {
			ready = ready && task.State == want
			if task.State == "FAILED" {
				failed = true
				g.helped++
				g.t.Logf("a task of %s has failed and is restarted: %.1500s", name, task.Trace)
			}
		}
		if failed {
			if _, answer, err := request(http.MethodPost, g.url()+"/connectors/"+name+"/restart?includeTasks=true&onlyFailed=true", nil); err != nil {
				return fmt.Errorf("%w: %s", err, answer)
			}
			pause(2 * time.Second)
		}
		if !ready {
			return fmt.Errorf("%s is %+v, want %d tasks %s", name, s, tasks, want)
		}
		return nil
	})
}

// flow is one way that numbered records take: a source, a topic, a file and maybe an
// index.
type flow struct {
	t       *testing.T
	gang    *gang
	name    string
	topic   string
	keys    int
	exactly bool
	// sinks are the connectors with their number of tasks.
	sinks map[string]int
	file  string
	// indexed says that the topic goes to an index of its name, a document a record, or
	// one a key.
	indexed, keyed bool
	// letters is the dead-letter topic of that sink, for what poison writes.
	letters string
	poison  *poisoner
	// end ends the source and says how many numbers there are.
	end              func() int
	count, poisonous int
}

const chaosKeys, chaosPartitions = 12, 3

var chaosValues = map[string]string{
	"key.converter":   "org.apache.kafka.connect.storage.StringConverter",
	"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
}

// with joins settings.
func with(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// toFile adds a sink that writes the topic to a file.
func (f *flow) toFile(tasks int) {
	f.t.Helper()
	name := unique(f.t, "file")
	f.file = filepath.Join(f.t.TempDir(), "numbers")
	f.sinks[name] = tasks
	create(f.t, f.gang.url(), name, map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": strconv.Itoa(tasks), "topics": f.topic, "file": f.file,
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
	})
}

// toIndex adds one that writes it to Elasticsearch, and records that it cannot write,
// which become dead letters.
func (f *flow) toIndex(url string, keyed bool) {
	f.t.Helper()
	name := unique(f.t, "index")
	f.indexed, f.keyed, f.letters = true, keyed, name+"-dlq"
	f.sinks[name] = 2
	index(f.t, http.MethodPut, "/"+f.topic, `{"mappings":{"properties":{"id":{"type":"long"}}}}`)
	f.poison = poison(f.t, f.topic, chaosPartitions)
	create(f.t, f.gang.url(), name, with(chaosValues, deadLetters(f.letters), map[string]string{
		"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "tasks.max": "2", "topics": f.topic,
		"connection.url": url, "behavior.on.malformed.documents": "ignore", "schema.ignore": "true", "key.ignore": strconv.FormatBool(!keyed),
		// Waits double: these outlast any outage.
		"max.retries": "20", "retry.backoff.ms": "100",
	}))
}

// generated is a flow from a generator with two tasks to a file and to an index at a URL.
func generated(t *testing.T, g *gang, name, url string, keyed bool) *flow {
	t.Helper()
	f := &flow{t: t, gang: g, name: name, topic: newTopic(t, chaosPartitions), keys: chaosKeys, sinks: map[string]int{}}
	source := unique(t, "source")
	config := with(chaosValues, map[string]string{
		"connector.class": "io.moldau.connect.datagen.DatagenSourceConnector", "tasks.max": "2", "topic": f.topic,
		"template": "orders", "rate": "100", "key.space": strconv.Itoa(chaosKeys),
		"transforms": "id", "transforms.id.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.id.include": "id",
	})
	create(t, g.url(), source, config)
	f.toFile(2)
	f.toIndex(url, keyed)
	f.end = func() int {
		// The generator stops, goes on for a while after all faults, and ends at a number.
		g.settle(source, "RUNNING", 2)
		g.put("/connectors/"+source+"/stop", nil)
		g.settle(source, "STOPPED", 0)
		var stored struct {
			Offsets []struct{ Offset struct{ Next int } }
		}
		if err := get(g.url()+"/connectors/"+source+"/offsets", &stored); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, o := range stored.Offsets {
			n = max(n, o.Offset.Next)
		}
		n += 500
		g.put("/connectors/"+source+"/config", with(config, map[string]string{"count": strconv.Itoa(n)}))
		g.put("/connectors/"+source+"/resume", nil)
		g.settle(source, "RUNNING", 2)
		return n
	}
	return f
}

// lines is a flow from a file that grows to another file.
func lines(t *testing.T, g *gang, feed *feeder) *flow {
	t.Helper()
	f := &flow{t: t, gang: g, name: "lines, at least once", topic: newTopic(t, 1), keys: 1, sinks: map[string]int{}}
	source := unique(t, "lines")
	create(t, g.url(), source, map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "topic": f.topic, "file": feed.path,
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
	})
	f.toFile(1)
	f.end = func() int {
		g.settle(source, "RUNNING", 1)
		return feed.stop()
	}
	return f
}

// finish ends the source and waits until everything has arrived, or for as long as
// that may take.
func (f *flow) finish() {
	f.t.Helper()
	for name, tasks := range f.sinks {
		f.gang.settle(name, "RUNNING", tasks)
	}
	if f.poison != nil {
		f.poisonous = f.poison.stop()
	}
	f.count = f.end()
}

// check says what became of the numbers.
func (f *flow) check() {
	f.t.Helper()
	judge := func(where string, once bool, read func() []int) {
		f.t.Helper()
		r := chaos.Result{}
		for deadline := time.Now().Add(2 * time.Minute); ; pause(time.Second) {
			if r = chaos.Check(read(), f.count, f.keys); r.Lost == 0 || time.Now().After(deadline) {
				break
			}
		}
		f.t.Logf("%s, %s: %d numbers, %v", f.name, where, f.count, r)
		if r.Wrong() || once && r.Duplicates > 0 {
			f.t.Errorf("%s, %s: %v", f.name, where, r)
		}
	}
	judge("topic", f.exactly, func() []int { return numbersOf(topicValues(f.t, f.topic)) })
	judge("file", false, func() []int {
		text, err := os.ReadFile(f.file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			f.t.Fatal(err)
		}
		return numbersOf(text)
	})
	switch {
	case f.keyed:
		f.checkKeys()
	case f.indexed:
		// Sorted by number, so order says nothing here.
		judge("index", true, func() []int { return numbersOf(documents(f.t, f.topic)) })
	}
	if f.poison != nil {
		checkLetters(f.t, f.name, f.letters, f.poisonous)
	}
	for name, tasks := range f.sinks {
		f.gang.settle(name, "RUNNING", tasks)
	}
	if f.gang.helped > 0 {
		f.t.Errorf("%s: %d tasks had to be restarted by hand", f.name, f.gang.helped)
	}
}

// checkKeys wants one document a key, that of the key's last record in the topic.
func (f *flow) checkKeys() {
	f.t.Helper()
	want := map[int]int{}
	for _, n := range numbersOf(topicValues(f.t, f.topic)) {
		want[n%f.keys] = n
	}
	eventually(f.t, 2*time.Minute, func() error {
		got := map[int]int{}
		all := numbersOf(documents(f.t, f.topic))
		for _, n := range all {
			got[n%f.keys] = n
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(all) != len(want) {
			return fmt.Errorf("%s, index: %d documents %v, want %v", f.name, len(all), got, want)
		}
		return nil
	})
}

// numbersOf are the numbers in a text, in order.
func numbersOf(text []byte) (out []int) {
	for _, found := range number.FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(found[1]))
		if err != nil {
			n = -1 // more digits than any number that was sent
		}
		out = append(out, n)
	}
	return out
}

// feeder writes numbered lines to a file until it is stopped.
type feeder struct {
	t    *testing.T
	path string
	end  context.CancelFunc
	done chan error
	n    int
}

func newFeeder(t *testing.T) *feeder {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &feeder{t: t, path: filepath.Join(t.TempDir(), "lines"), end: cancel, done: make(chan error, 1)}
	out, err := os.Create(f.path)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				f.done <- out.Close()
				return
			case <-tick.C:
			}
			if _, err := io.WriteString(out, fmt.Sprintf("{\"id\":%d}\n", f.n)); err != nil {
				f.done <- errors.Join(err, out.Close())
				return
			}
			f.n++
		}
	}()
	return f
}

// stop ends the file and returns the number of its lines.
func (f *feeder) stop() int {
	f.t.Helper()
	f.end()
	if err := <-f.done; err != nil {
		f.t.Fatal(err)
	}
	return f.n
}
