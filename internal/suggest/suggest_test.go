package suggest

import "testing"

func TestClosest(t *testing.T) {
	keys := []string{"group.id", "bootstrap.servers", "offset.storage.topic", "offset.flush.interval.ms", "topics", "topic"}
	for _, c := range []struct{ word, want string }{
		{"bootstrap.server", "bootstrap.servers"},
		{"bootsrtap.servers", "bootstrap.servers"},
		{"offset_storage_topic", "offset.storage.topic"},
		{"Offset.Storage.Topic", "offset.storage.topic"},
		{"offset.flush.interval", ""},
		{"tpics", "topics"},
		{"topics", "topics"},
		{"x", ""},
		{"", ""},
		{"something.else", ""},
	} {
		got, ok := Closest(c.word, keys)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("Closest(%q) = %q, %v; want %q", c.word, got, ok, c.want)
		}
	}
}
