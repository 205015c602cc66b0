package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/moldau-io/moldau/test/refstack"
)

// javaBench is java/Bench.java, compiled.
type javaBench struct{ classPath string }

// compileJava compiles the Java side against the stack's jars.
func compileJava(ctx context.Context, jars, dir string) (*javaBench, error) {
	stack, err := refstack.Script("stack")
	if err != nil {
		return nil, err
	}
	source := filepath.Join(filepath.Dir(stack), "..", "bench", "java", "Bench.java")
	classes := filepath.Join(dir, "classes")
	if err := os.MkdirAll(classes, 0o700); err != nil {
		return nil, err
	}
	jars = filepath.Join(jars, "*")
	if out, err := exec.CommandContext(ctx, "javac", "-cp", jars, "-d", classes, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling %s: %w\n%s", source, err, out)
	}
	return &javaBench{classes + string(os.PathListSeparator) + jars}, nil
}

// run measures a case in a JVM with the heap that Connect gets.
func (j *javaBench) run(ctx context.Context, name, dir string, warm, measured time.Duration) (codecResult, error) {
	return codecProcess(exec.CommandContext(ctx, "java", "-Xmx1g", "-cp", j.classPath, "Bench", name, dir,
		strconv.FormatInt(warm.Nanoseconds(), 10), strconv.FormatInt(measured.Nanoseconds(), 10)))
}

// gogc is what cmd/moldau sets for itself, so that the collector works here as it does there.
const gogc = "GOGC=300"

// goCodec measures a case with Moldau's code, in a process of its own. It warms up for a
// shorter time: nothing is compiled while it runs.
func goCodec(ctx context.Context, name, dir string, warm, measured time.Duration) (codecResult, error) {
	self, err := os.Executable()
	if err != nil {
		return codecResult{}, err
	}
	cmd := exec.CommandContext(ctx, self, "codec", name, dir, (warm / 5).String(), measured.String())
	cmd.Env = append(os.Environ(), gogc)
	return codecProcess(cmd)
}

func codecProcess(cmd *exec.Cmd) (codecResult, error) {
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return codecResult{}, errors.Join(fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err), errors.New(words.String()))
	}
	return parseCodecResult(string(out))
}
