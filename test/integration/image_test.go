//go:build integration

package integration

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moldau-io/moldau/test/refstack"
)

// image is the container image, with its files in a folder.
type image struct {
	t      testing.TB
	root   string
	config imageConfig
}

type imageConfig struct {
	User, WorkingDir     string
	Env, Entrypoint, Cmd []string
	ExposedPorts         map[string]any
}

// buildImage builds the final stage of the Dockerfile around the binary under test. What
// the stage before it would give is a folder, since no base image can be pulled here.
func buildImage(t testing.TB) *image {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("building an image and entering it needs root")
	}
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Fatalf("%v; install the package buildah", err)
	}
	dir := t.TempDir()
	from := filepath.Join(dir, "build")
	copied := filepath.Join(from, "out", "root", "moldau")
	certificates := filepath.Join(from, "out", "root", "etc", "ssl", "certs")
	program, err := os.ReadFile(binary(t))
	if err := errors.Join(
		err, os.MkdirAll(certificates, 0o755), os.MkdirAll(filepath.Join(from, "out", "home", "data"), 0o755),
		os.WriteFile(filepath.Join(certificates, "ca-certificates.crt"), []byte("# no certificates\n"), 0o644),
		os.WriteFile(copied, program, 0o755),
	); err != nil {
		t.Fatal(err)
	}
	buildah := func(args ...string) string {
		t.Helper()
		store := []string{"--root", filepath.Join(dir, "store"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "vfs"}
		var errText strings.Builder
		cmd := exec.CommandContext(t.Context(), "buildah", append(store, args...)...)
		cmd.Stderr = &errText
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("buildah %s: %v\n%s%s", strings.Join(args, " "), err, out, errText.String())
		}
		return strings.TrimSpace(string(out))
	}
	deploy := filepath.Join("..", "..", "deploy")
	buildah("build", "--isolation", "chroot", "--target", "final", "--build-context", "build="+from,
		"--file", filepath.Join(deploy, "Dockerfile"), "--tag", "moldau:test", deploy)
	i := &image{t: t}
	var inspected struct{ OCIv1 struct{ Config imageConfig } }
	if err := json.Unmarshal([]byte(buildah("inspect", "--type", "image", "localhost/moldau:test")), &inspected); err != nil {
		t.Fatal(err)
	}
	i.config = inspected.OCIv1.Config
	i.root = buildah("mount", buildah("from", "--pull-never", "localhost/moldau:test"))
	return i
}

// command is what a container engine would run: the image's entry point as the image's
// user in the image's files and with its variables, and nothing else.
func (i *image) command(env []string, args ...string) *exec.Cmd {
	i.t.Helper()
	user, group, _ := strings.Cut(i.config.User, ":")
	uid, err := strconv.ParseUint(user, 10, 32)
	gid, err2 := strconv.ParseUint(group, 10, 32)
	if err := errors.Join(err, err2); err != nil {
		i.t.Fatalf("the image's user %q is not a number: %v", i.config.User, err)
	}
	if len(args) == 0 {
		args = i.config.Cmd
	}
	args = append(slices.Clone(i.config.Entrypoint), args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = i.config.WorkingDir
	cmd.Env = append(slices.Clone(i.config.Env), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: i.root, Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return cmd
}

// run runs a command of the image to its end and returns what it prints.
func (i *image) run(env []string, args ...string) string {
	i.t.Helper()
	out, err := i.command(env, args...).CombinedOutput()
	if err != nil {
		i.t.Errorf("moldau %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// workerEnv are the variables of a worker of the real broker.
func workerEnv(t testing.TB) (env []string, url string) {
	url = "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	group := unique(t, "image")
	return []string{
		"CONNECT_BOOTSTRAP_SERVERS=" + servers.addr(refstack.Kafka), "CONNECT_GROUP_ID=" + group, "CONNECT_LISTENERS=" + url,
		"CONNECT_CONFIG_STORAGE_TOPIC=" + group + "-configs", "CONNECT_CONFIG_STORAGE_REPLICATION_FACTOR=1",
		"CONNECT_OFFSET_STORAGE_TOPIC=" + group + "-offsets", "CONNECT_OFFSET_STORAGE_REPLICATION_FACTOR=1", "CONNECT_OFFSET_STORAGE_PARTITIONS=1",
		"CONNECT_STATUS_STORAGE_TOPIC=" + group + "-status", "CONNECT_STATUS_STORAGE_REPLICATION_FACTOR=1", "CONNECT_STATUS_STORAGE_PARTITIONS=1",
	}, url
}

// The image holds little more than the binary, which runs in it as a user without rights:
// by default as a worker with settings from the environment.
func TestImage(t *testing.T) {
	i := buildImage(t)
	var found []string
	err := filepath.WalkDir(i.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, strings.TrimPrefix(path, i.root))
		}
		return err
	})
	if want := []string{"/etc/ssl/certs/ca-certificates.crt", "/moldau"}; err != nil || !slices.Equal(found, want) {
		t.Errorf("the image has the files %q, want %q; %v", found, want, err)
	}
	if _, ok := i.config.ExposedPorts["8083/tcp"]; !ok || !reflect.DeepEqual(i.config.Cmd, []string{"worker"}) {
		t.Errorf("the image is configured as %+v", i.config)
	}
	if got := i.run(nil, "version"); !strings.HasPrefix(got, "moldau ") || !strings.Contains(got, "as Apache Kafka Connect 4.1.1") {
		t.Errorf("moldau version prints %q", got)
	}

	t.Run("environment", func(t *testing.T) {
		env, url := workerEnv(t)
		env = append(env,
			"CONNECT_KEY_CONVERTER=org.apache.kafka.connect.storage.StringConverter",
			"CONNECT_VALUE_CONVERTER=org.apache.kafka.connect.json.JsonConverter", "CONNECT_VALUE_CONVERTER_SCHEMAS_ENABLE=false",
		)
		begin := time.Now()
		p := launch(t, url, i.command(env)).ready()
		t.Logf("healthy after %.1f s", time.Since(begin).Seconds())
		topic := newTopic(t, 1)
		create(t, url, "users", map[string]string{
			"connector.class": "io.moldau.connect.datagen.DatagenSourceConnector", "topic": topic, "template": "users", "count": "3",
		})
		running(t, url, "users", 1)
		for _, r := range consume(t, servers.addr(refstack.Kafka), topic, 3) {
			var user struct{ ID string }
			if err := json.Unmarshal(r.Value, &user); err != nil || user.ID != string(r.Key) {
				t.Errorf("%s %s: %v", r.Key, r.Value, err)
			}
		}
		if got := i.run([]string{"MOLDAU_SERVER=" + url}, "cluster", "health", "--worker"); !strings.HasPrefix(got, "healthy") {
			t.Errorf("the health check prints %q", got)
		}
		if err := p.stop(30 * time.Second); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})

	t.Run("file", func(t *testing.T) {
		sample, err := os.ReadFile(filepath.Join("..", "..", "deploy", "worker.properties"))
		mounted := filepath.Join(i.root, "etc", "moldau")
		if err := errors.Join(err, os.MkdirAll(mounted, 0o755), os.WriteFile(filepath.Join(mounted, "worker.properties"), sample, 0o644)); err != nil {
			t.Fatal(err)
		}
		env, url := workerEnv(t)
		launch(t, url, i.command(env, "worker", "/etc/moldau/worker.properties")).ready()
		status, answer, err := request(http.MethodPut, url+"/connector-plugins/FileStreamSource/config/validate",
			map[string]string{"connector.class": "FileStreamSource", "name": "n", "topic": "t"})
		if err != nil || status != http.StatusOK {
			t.Errorf("status %d, %v: %s", status, err, answer)
		}
	})

	t.Run("dev", func(t *testing.T) {
		rest, kafka := "127.0.0.1:"+strconv.Itoa(freePort(t)), "127.0.0.1:"+strconv.Itoa(freePort(t))
		launch(t, "http://"+rest, i.command(nil, "dev", "--rest", rest, "--kafka", kafka)).ready()
		if kept, err := os.ReadDir(filepath.Join(i.root, i.config.WorkingDir, "moldau-data")); err != nil || len(kept) == 0 {
			t.Errorf("nothing is kept in the working folder: %v", err)
		}
	})
}
