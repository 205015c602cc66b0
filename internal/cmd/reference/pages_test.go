package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/moldau-io/moldau/plugins/standard"
)

func TestReferenceIsUpToDate(t *testing.T) {
	for name, want := range pages(standard.Registry()) {
		got, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "reference", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if string(got) != want {
			t.Errorf("docs/reference/%s is not what the code says; run make generate", name)
		}
	}
}

func TestCell(t *testing.T) {
	if got := cell("a |\n b"); got != `a \| b` {
		t.Errorf("%q", got)
	}
}
