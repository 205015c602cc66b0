package herder

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/store"
)

// Requests between workers are signed over their body (KIP-507): what is not signed,
// was changed, or is sent again once the key has changed is refused.
func TestSignaturesOfWorkersRequests(t *testing.T) {
	ctx := context.Background()
	configs := store.NewMemoryConfigs(slog.New(slog.DiscardHandler))
	if err := configs.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := configs.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	h := New(Options{Configs: configs, SignatureAlgorithms: []string{"HmacSHA256"}})
	body := []byte(`[{"task.class":"x"}]`)
	sign := func(key state.SessionKey, algorithm string, body []byte) *Signature {
		t.Helper()
		s, err := Sign(key, algorithm, body)
		if err != nil {
			t.Fatal(err)
		}
		return &s
	}
	changed := func(s *Signature, body string) *Signature { return &Signature{s.Algorithm, s.MAC, []byte(body)} }
	first := state.SessionKey{Key: []byte("the first session key"), Algorithm: "HmacSHA256", CreationTimestamp: 1}
	second := state.SessionKey{Key: []byte("the second session key"), Algorithm: "HmacSHA256", CreationTimestamp: 2}
	check := func(name string, sig *Signature, status int, text string) {
		t.Helper()
		err := h.checkSignature(sig)
		got := 0
		var of *StatusError
		var labelled *errs.Error
		switch {
		case errors.As(err, &of):
			got = of.Status
		case errors.As(err, &labelled) && labelled.Class == errs.ClassBadRequest:
			got = 400
		case err != nil:
			got = -1
		}
		if got != status || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want status %d and %q", name, err, status, text)
		}
	}

	check("where nothing is signed", nil, 0, "")
	h.view.Store(&view{sessioned: true})
	check("unsigned", nil, 400, "Internal request missing required signature")
	check("before there is a key", sign(first, "HmacSHA256", body), 503, "has not been able to read a session key")
	if err := configs.PutSessionKey(ctx, first); err != nil {
		t.Fatal(err)
	}
	good := sign(first, "HmacSHA256", body)
	check("signed", good, 0, "")
	check("another body", changed(good, `[{"task.class":"y"}]`), 403, "Internal request contained invalid signature.")
	check("no body", changed(good, ""), 403, "invalid signature")
	check("another key", sign(second, "HmacSHA256", body), 403, "invalid signature")
	check("an algorithm that is not allowed", sign(first, "HmacSHA1", body), 400, "This worker does not support the 'HmacSHA1' key signing algorithm")
	check("half a signature", &Signature{"HmacSHA256", good.MAC[:16], body}, 403, "invalid signature")
	check("an empty signature", &Signature{"HmacSHA256", nil, body}, 403, "invalid signature")
	if err := configs.PutSessionKey(ctx, second); err != nil {
		t.Fatal(err)
	}
	check("sent again after the key has changed", good, 403, "invalid signature")
	check("signed with the new key", sign(second, "HmacSHA256", body), 0, "")
}
