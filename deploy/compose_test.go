package deploy_test

import (
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/moldau-io/moldau/runtime/settings"
)

// composition is a compose file, as far as it is checked here.
type composition struct {
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Image     string
	Build     *struct{ Context, Dockerfile string }
	Command   []string
	DependsOn map[string]struct{ Condition string } `yaml:"depends_on"`
	// Values of variables may be numbers.
	Environment map[string]any
	Ports       []string
	Volumes     []string
	Healthcheck *struct{ Test []string }
}

func readCompose(t *testing.T) composition {
	t.Helper()
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c composition
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) < 4 {
		t.Fatalf("compose.yaml has %d services", len(c.Services))
	}
	return c
}

// pinned says whether an image has a tag that names a version.
func pinned(image string) bool {
	name, tag, ok := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	return ok && name != "" && tag != "" && tag != "latest"
}

func TestComposeServices(t *testing.T) {
	c := readCompose(t)
	for name, s := range c.Services {
		if !pinned(s.Image) {
			t.Errorf("%s: the image %q has no version", name, s.Image)
		}
		if ours := strings.HasPrefix(s.Image, "moldau:"); ours != (s.Build != nil) {
			t.Errorf("%s: the image %s is built: %v", name, s.Image, s.Build != nil)
		}
		if s.Build != nil {
			if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := os.Stat(filepath.Join(s.Build.Context, "go.mod")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for other, d := range s.DependsOn {
			needed, ok := c.Services[other]
			if !ok {
				t.Errorf("%s depends on %s, which is not there", name, other)
			}
			if d.Condition != "service_healthy" || needed.Healthcheck == nil {
				t.Errorf("%s does not wait until %s is healthy", name, other)
			}
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to the network", name, port)
			}
		}
		for _, v := range s.Volumes {
			from, to, _ := strings.Cut(v, ":")
			_, named := c.Volumes[from]
			_, err := os.Stat(from)
			if strings.HasPrefix(from, ".") == named || !named && err != nil || !strings.HasPrefix(to, "/") {
				t.Errorf("%s: there is nothing to mount for %s: %v", name, v, err)
			}
		}
	}
}

// The worker's settings are complete, and each is known.
func TestComposeSettings(t *testing.T) {
	c := readCompose(t)
	workers := 0
	for name, s := range c.Services {
		var environ []string
		for key, value := range s.Environment {
			if strings.HasPrefix(key, settings.EnvPrefix) {
				environ = append(environ, fmt.Sprintf("%s=%v", key, value))
			}
		}
		if len(environ) == 0 {
			continue
		}
		workers++
		props := settings.FromEnvironment(environ)
		if len(props) != len(environ) {
			t.Errorf("%s: %d variables make %d settings", name, len(environ), len(props))
		}
		w, unknown := load(t, settings.Distributed, props)
		if len(unknown) > 0 {
			t.Errorf("%s: nothing reads %q", name, unknown)
		}
		for _, broker := range w.BootstrapServers {
			host, _, _ := strings.Cut(broker, ":")
			listeners := fmt.Sprint(c.Services[host].Environment["KAFKA_ADVERTISED_LISTENERS"])
			if !strings.Contains(listeners, "://"+broker) {
				t.Errorf("%s: the broker %s advertises %s", name, broker, listeners)
			}
		}
		if got := w.REST.AdvertisedHost; got != name {
			t.Errorf("%s advertises %q", name, got)
		}
	}
	if workers != 1 {
		t.Errorf("%d workers", workers)
	}
}

// The variables that the documentation shows make a worker.
func TestDocumentedSettings(t *testing.T) {
	text, err := os.ReadFile("../docs/docker.md")
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for _, m := range regexp.MustCompile(`-e (CONNECT_\S+)`).FindAllStringSubmatch(string(text), -1) {
		environ = append(environ, m[1])
	}
	if _, unknown := load(t, settings.Distributed, settings.FromEnvironment(environ)); len(unknown) > 0 {
		t.Errorf("nothing reads %q", unknown)
	}
}

// Addresses in the pipeline are those of services.
func TestComposeAddresses(t *testing.T) {
	c := readCompose(t)
	_, sink := readExample(t, "compose/wikipedia-elasticsearch.json")
	urls := []string{sink.Config["connection.url"]}
	for _, s := range c.Services {
		if server, ok := s.Environment["MOLDAU_SERVER"]; ok {
			urls = append(urls, fmt.Sprint(server))
		}
	}
	for _, url := range urls {
		host, port, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
		if !slices.Contains(c.Services[host].Ports, "127.0.0.1:"+port+":"+port) {
			t.Errorf("no service is at %s", url)
		}
	}
	if len(urls) != 2 {
		t.Errorf("%d addresses", len(urls))
	}
}

func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages := regexp.MustCompile(`(?m)^FROM (?:--\S+ )?(\S+)`).FindAllStringSubmatch(string(text), -1)
	if len(stages) != 2 || stages[1][1] != "scratch" {
		t.Fatalf("stages %q", stages)
	}
	builder := stages[0][1]
	if !regexp.MustCompile(`^golang:\d+\.\d+\.\d+$`).MatchString(builder) {
		t.Fatalf("the builder %s is not of one version", builder)
	}
	mod, err := exec.Command("go", "list", "-m", "-f", "{{.GoVersion}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := "go"+strings.TrimPrefix(builder, "golang:"), "go"+strings.TrimSpace(string(mod)); version.Compare(got, want) < 0 {
		t.Errorf("the builder has %s, go.mod wants %s", got, want)
	}
	for _, wanted := range []string{`ENTRYPOINT ["/moldau"]`, `CMD ["worker"]`, "USER 65532:65532", "EXPOSE 8083"} {
		if !strings.Contains(string(text), "\n"+wanted+"\n") {
			t.Errorf("there is no %s", wanted)
		}
	}
}
