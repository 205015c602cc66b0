package settings

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
)

func TestWorkersAsApache(t *testing.T) {
	type record struct {
		Mode  string
		Props map[string]string
		Error *string
	}
	// What Connect checks only once its REST server or its worker starts.
	late := map[string]string{
		"ftp://x:1": `Listener protocol must be either "http" or "https".`,
		"http://x":  "Listener doesn't have the right format (protocol://hostname:port).",
		"Nope":      "Failed to find any class that implements interface org.apache.kafka.connect.connector.policy.ConnectorClientConfigOverridePolicy and which name matches Nope",
	}
	for _, r := range readLines[record](t, "testdata/workers.jsonl") {
		mode := Distributed
		if r.Mode == "standalone" {
			mode = Standalone
		}
		want := ""
		if r.Error != nil {
			want = *r.Error
		}
		for _, setting := range []string{"listeners", keyOverridePolicy} {
			if text, ok := late[r.Props[setting]]; ok {
				want = text
			}
		}
		w, err := LoadWorker(context.Background(), mode, r.Props, WorkerOptions{Plugins: fakePlugins(), Logger: discard()})
		if text, _ := messageOrNone(err); text != want {
			t.Errorf("%s %v:\n got %q\nwant %q", r.Mode, r.Props, text, want)
		}
		if err == nil {
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func workerProps() map[string]string {
	return map[string]string{
		"bootstrap.servers": "a:1, b:2", "group.id": "g", "config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s",
		"key.converter": "StringConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"value.converter.schemas.enable": "false",
	}
}

func load(t *testing.T, props map[string]string) *Worker {
	t.Helper()
	w, err := LoadWorker(context.Background(), Distributed, props, WorkerOptions{
		Plugins: fakePlugins(), Logger: discard(), Environ: []string{"DIR=/nowhere", "TOKEN=t0k3n"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestWorkerFields(t *testing.T) {
	props := workerProps()
	for name, value := range map[string]string{
		"exactly.once.source.support": "Enabled", "connect.protocol": "COMPATIBLE",
		"config.storage.replication.factor": "-1", "config.storage.partitions": "5", "config.storage.cleanup.policy": "delete", "config.storage.min.insync.replicas": "2",
		"offset.storage.partitions": "7",
		"inter.worker.key.size":     "128",
		"listeners":                 "HTTP://0.0.0.0:8083,https://[::1]:8443,http://:0", "admin.listeners": "",
		"rest.advertised.host.name":    "me",
		"response.http.headers.config": `add X-A: b, "SETDATE Expires: 0"`,
		"topic.creation.enable":        "false",
		"producer.linger.ms":           "9",
		"max.poll.records":             "4",
		"moldau.ui.enabled":            "false",
		"typo.setting":                 "1", "errors.tolerance": "all",
		"connector.client.config.override.policy":    "Allowlist",
		"connector.client.config.override.allowlist": "linger.ms, acks",
		"task.shutdown.graceful.timeout.ms":          "9223372036854775807",
	} {
		props[name] = value
	}
	w := load(t, props)
	k := w.Cluster
	for what, c := range map[string][2]any{
		"servers":       {w.BootstrapServers, []string{"a:1", "b:2"}},
		"key":           {w.Key, ConverterSettings{Class: "org.apache.kafka.connect.storage.StringConverter", Props: map[string]string{"converter.type": "key"}}},
		"value":         {w.Value, ConverterSettings{Class: "org.apache.kafka.connect.json.JsonConverter", Props: map[string]string{"converter.type": "value", "schemas.enable": "false"}}},
		"header":        {w.Header, ConverterSettings{Class: SimpleHeaderConverter, Props: map[string]string{"converter.type": "header"}}},
		"exactly once":  {w.ExactlyOnceSource(), true},
		"protocol":      {k.Protocol, "compatible"},
		"config topic":  {k.Config, StorageTopic{"c", 1, -1, map[string]string{"min.insync.replicas": "2"}}},
		"offset topic":  {k.Offset, StorageTopic{"o", 7, 3, map[string]string{}}},
		"status topic":  {k.Status, StorageTopic{"s", 5, 3, map[string]string{}}},
		"key size":      {k.KeySize, 128},
		"key life":      {k.KeyTTL, time.Hour},
		"session":       {k.SessionTimeout, 10 * time.Second},
		"delay":         {k.RebalanceDelay, 5 * time.Minute},
		"flush":         {w.OffsetFlushInterval, time.Minute},
		"shutdown":      {w.TaskShutdownTimeout, time.Duration(1<<63 - 1)},
		"listeners":     {w.REST.Listeners, []Listener{{"http", "0.0.0.0", 8083, "HTTP://0.0.0.0:8083"}, {"https", "::1", 8443, "https://[::1]:8443"}, {"http", "", 0, "http://:0"}}},
		"admin":         {w.REST.AdminOff, true},
		"headers":       {w.REST.Headers, []HeaderRule{{"add", "X-A", "b"}, {"setDate", "Expires", "0"}}},
		"topics":        {w.TopicCreation, false},
		"ui":            {w.Own, Own{UI: false, Metrics: true, StuckAfter: 5 * time.Minute, LogLevel: "info", LogFormat: "text"}},
		"producer":      {w.Prefixed("producer."), map[string]string{"linger.ms": "9"}},
		"unknown":       {w.Unknown, []string{"errors.tolerance", "typo.setting"}},
		"policy":        {w.Overrides.Name(), "Allowlist"},
		"policy allows": {w.Overrides.Allows("acks") && !w.Overrides.Allows("retries"), true},
		"converters":    {w.Converters(), Converters{w.Key, w.Value, w.Header}},
	} {
		if !reflect.DeepEqual(c[0], c[1]) {
			t.Errorf("%s: %+v, want %+v", what, c[0], c[1])
		}
	}
	if w := load(t, workerProps()); w.REST.AdminOff || w.REST.Admin != nil || w.ExactlyOnceSource() || w.Cluster.KeySize != 256 || len(w.Unknown) > 0 {
		t.Errorf("by default: %+v", w)
	}
}

func TestWorkerProviders(t *testing.T) {
	props := workerProps()
	props["config.providers"] = "env,file"
	props["config.providers.env.class"] = "EnvVarConfigProvider"
	props["config.providers.file.class"] = "FileConfigProvider"
	dir := t.TempDir()
	props["config.providers.file.param.allowed.paths"] = dir
	props["client.id"] = "id-${env:TOKEN}"
	props["producer.sasl.jaas.config"] = "${env:TOKEN}${none:x}"
	w := load(t, props)
	if w.Cluster.ClientID != "id-t0k3n" {
		t.Errorf("client.id %q", w.Cluster.ClientID)
	}
	if got := w.Prefixed("producer."); got["sasl.jaas.config"] != "t0k3n${none:x}" {
		t.Errorf("producer %q", got)
	}
	got, err := w.Providers().Resolve(context.Background(), map[string]string{"a": "${env:TOKEN}"})
	if err != nil || got.Props["a"] != "t0k3n" {
		t.Errorf("%v, %v", got, err)
	}

	// A provider for connectors can be configured by a reference.
	props["config.providers.file.param.allowed.paths"] = "${env:DIR}"
	_, err = LoadWorker(context.Background(), Distributed, props, WorkerOptions{Logger: discard(), Environ: []string{"DIR=" + dir}})
	if text, _ := messageOrNone(err); !strings.Contains(text, "Path ${env:DIR} is not absolute") {
		t.Errorf("the first providers are made from the raw settings: %v", err)
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	props := workerProps()
	props["ssl.key.password"] = "hunter2"
	props["sasl.jaas.config"] = "hunter2"
	w := load(t, props)
	for _, name := range []string{"ssl.key.password", "sasl.jaas.config"} {
		if got := w.Config.Password(name); got.Value() != "hunter2" || strings.Contains(got.String(), "hunter2") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAdvertised(t *testing.T) {
	for _, c := range []struct {
		set    map[string]string
		bound  []int
		scheme string
		host   string
		port   int
	}{
		{nil, []int{8083}, "http", "machine", 8083},
		{map[string]string{"listeners": "http://:0"}, []int{40001}, "http", "machine", 40001},
		{map[string]string{"listeners": "https://h:8443"}, []int{8443}, "https", "h", 8443},
		{map[string]string{"listeners": "https://h:8443,http://i:8083"}, []int{8443, 8083}, "http", "i", 8083},
		{map[string]string{"listeners": "https://h:0,http://i:0", "rest.advertised.listener": "HTTPS"}, []int{1, 2}, "https", "h", 1},
		{map[string]string{"rest.advertised.host.name": "x", "rest.advertised.port": "99"}, []int{8083}, "http", "x", 99},
	} {
		props := workerProps()
		for name, value := range c.set {
			props[name] = value
		}
		scheme, host, port := load(t, props).REST.Advertised(c.bound, "machine")
		if scheme != c.scheme || host != c.host || port != c.port {
			t.Errorf("%v: %s://%s:%d, want %s://%s:%d", c.set, scheme, host, port, c.scheme, c.host, c.port)
		}
	}
}

func TestHeaderRules(t *testing.T) {
	for text, want := range map[string][]string{
		"a,b": {"a", "b"}, " a , b ": {"a", "b"}, "a,,b": {"a", "", "b"}, ",a,": {"", "a"}, `"a\"b", c`: {`a"b`, "c"},
		`"a" b,c`: {"a", "c"}, `x "y,z" w, q`: {`x "y`, `z" w`, "q"}, `"",b`: {"", "b"}, " ": nil, "a  b ,c": {"a  b", "c"},
		`"a`: {"a"}, `a,"b"x,c`: {"a", "b", "c"}, "a\nb,c": {"a\nb", "c"}, `"add Cache-Control: no-cache, no-store",set x:y`: {"add Cache-Control: no-cache, no-store", "set x:y"},
	} {
		if got := splitQuoted(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOverridePolicies(t *testing.T) {
	for class, c := range map[string]struct{ name, allowed, denied string }{
		"All": {"All", "anything", ""},
		"org.apache.kafka.connect.connector.policy.AllConnectorClientConfigOverridePolicy": {"All", "acks", ""},
		"None": {"None", "", "acks"},
		"NoneConnectorClientConfigOverridePolicy": {"None", "", "sasl.mechanism"},
		"Principal": {"Principal", "sasl.jaas.config", "acks"},
		"org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy": {"Principal", "security.protocol", "bootstrap.servers"},
		"Allowlist": {"Allowlist", "acks", "linger.ms"},
	} {
		p, err := NewOverridePolicy(class, map[string]string{keyOverrideAllowlist: "acks"})
		if err != nil {
			t.Errorf("%s: %v", class, err)
			continue
		}
		if p.Name() != c.name {
			t.Errorf("%s is called %s", class, p.Name())
		}
		if c.allowed != "" && (!p.Allows(c.allowed) || p.Check(c.allowed) != "") {
			t.Errorf("%s denies %s", class, c.allowed)
		}
		if want := "The '" + c.name + "' policy does not allow '" + c.denied + "' to be overridden in the connector configuration."; c.denied != "" && p.Check(c.denied) != want {
			t.Errorf("%s: %q, want %q", class, p.Check(c.denied), want)
		}
	}
	if _, err := NewOverridePolicy("my.Policy", nil); errs.Class(err) != errs.ClassConnect || err == nil {
		t.Errorf("unknown policy: %v", err)
	}
}
