package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// parses fails the test unless a command line is one that moldau runs.
func parses(t *testing.T, where string, args []string) {
	t.Helper()
	cmd, rest, err := newRootCommand().Find(args)
	switch {
	case err != nil:
		t.Errorf("%s: moldau %q: %v", where, args, err)
		return
	case cmd.HasSubCommands() || !cmd.Runnable():
		t.Errorf("%s: moldau %q is no command", where, args)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s: moldau %q: %v", where, args, err)
		return
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("%s: moldau %q: %v", where, args, err)
	}
}

// What the image runs by default, and what the compose file runs and checks its health
// with, are commands of this program.
func TestDeployedCommands(t *testing.T) {
	dockerfile, err := os.ReadFile("../../deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var byDefault []string
	m := regexp.MustCompile(`(?m)^CMD (.*)$`).FindSubmatch(dockerfile)
	if m == nil {
		t.Fatal("the Dockerfile has no CMD")
	}
	if err := json.Unmarshal(m[1], &byDefault); err != nil {
		t.Fatal(err)
	}
	parses(t, "Dockerfile", byDefault)

	text, err := os.ReadFile("../../deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Services map[string]struct {
			Image       string
			Command     []string
			Healthcheck struct{ Test []string }
		}
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, s := range c.Services {
		if !strings.HasPrefix(s.Image, "moldau:") {
			continue
		}
		if s.Command != nil {
			seen++
			parses(t, name, s.Command)
		}
		if check := s.Healthcheck.Test; check != nil {
			seen++
			if len(check) < 3 || check[0] != "CMD" || check[1] != "/moldau" {
				t.Errorf("%s: the health check is %q", name, check)
				continue
			}
			parses(t, name, check[2:])
		}
	}
	if seen < 2 {
		t.Errorf("only %d commands in compose.yaml", seen)
	}
}
