package herder

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/moldau-io/moldau/runtime/state"
)

// Signature is what signs a request between workers (KIP-507).
type Signature struct {
	// Algorithm is the MAC's Java name, such as "HmacSHA256".
	Algorithm string
	// MAC is the request's signature, Body what it was made over.
	MAC, Body []byte
}

// NewMAC returns the MAC of that Java name.
func NewMAC(algorithm string, key []byte) (hash.Hash, bool) {
	var h func() hash.Hash
	switch strings.ToLower(algorithm) {
	case "hmacsha1":
		h = sha1.New
	case "hmacsha224":
		h = sha256.New224
	case "hmacsha256":
		h = sha256.New
	case "hmacsha384":
		h = sha512.New384
	case "hmacsha512":
		h = sha512.New
	default:
		return nil, false
	}
	return hmac.New(h, key), true
}

// Sign signs a body with a session key.
func Sign(key state.SessionKey, algorithm string, body []byte) (Signature, error) {
	mac, ok := NewMAC(algorithm, key.Key)
	if !ok {
		return Signature{}, fmt.Errorf("inter.worker.signature.algorithm=%s is not known; use HmacSHA256", algorithm)
	}
	mac.Write(body)
	return Signature{algorithm, mac.Sum(nil), body}, nil
}

func (h *Herder) checkSignature(sig *Signature) error {
	if !h.view.Load().sessioned {
		return nil
	}
	if sig == nil {
		return badRequest("Internal request missing required signature")
	}
	if !slices.Contains(h.o.SignatureAlgorithms, sig.Algorithm) {
		return badRequest("This worker does not support the '%s' key signing algorithm used by other workers. "+
			"This worker is currently configured to use: %s. "+
			"Check that all workers' configuration files permit the same set of signature algorithms, "+
			"and correct any misconfigured worker and restart it.", sig.Algorithm, "["+strings.Join(h.o.SignatureAlgorithms, ", ")+"]")
	}
	key, ok := h.configs().SessionKey()
	if !ok {
		return &StatusError{statusUnavailable, "This worker is still starting up and has not been able to read a session key from the config topic yet"}
	}
	mac, ok := NewMAC(sig.Algorithm, key.Key)
	if !ok {
		return badRequest("This worker does not know the '%s' key signing algorithm", sig.Algorithm)
	}
	mac.Write(sig.Body)
	if !hmac.Equal(mac.Sum(nil), sig.MAC) {
		return &StatusError{statusForbidden, "Internal request contained invalid signature."}
	}
	return nil
}
