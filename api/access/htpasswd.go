package access

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// maxKnown bounds how many passwords are remembered as right.
const maxKnown = 1000

// Htpasswd are the users of an htpasswd file with bcrypt hashes, as `htpasswd -B`
// makes. It is safe for concurrent use.
type Htpasswd struct {
	hashes map[string][]byte
	// nobody is compared with for users that do not exist, so that these take as long.
	nobody []byte
	salt   [32]byte
	// turn lets one comparison run at a time: each takes a core for a while, and clients
	// with wrong passwords must not take all.
	turn chan struct{}

	mu sync.Mutex
	// known are digests of a user and a password that were found right.
	known map[[32]byte]struct{}
}

// LoadHtpasswd reads the file.
func LoadHtpasswd(file string) (*Htpasswd, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading moldau.rest.htpasswd.file: %w", err)
	}
	h, err := parseHtpasswd(text)
	if err != nil {
		return nil, fmt.Errorf("moldau.rest.htpasswd.file=%s, %w", file, err)
	}
	return h, nil
}

func parseHtpasswd(text []byte) (*Htpasswd, error) {
	h := &Htpasswd{hashes: map[string][]byte{}, known: map[[32]byte]struct{}{}, turn: make(chan struct{}, 1)}
	lines := bufio.NewScanner(bytes.NewReader(text))
	cost := bcrypt.MinCost
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		user, hash, ok := strings.Cut(line, ":")
		if !ok || user == "" {
			return nil, fmt.Errorf("line %d: write user:hash, as `htpasswd -B` does", n)
		}
		c, err := bcrypt.Cost([]byte(hash))
		if err != nil {
			return nil, fmt.Errorf("line %d: the hash of user %q is not bcrypt; make it with `htpasswd -nB %s`", n, user, user)
		}
		if _, ok := h.hashes[user]; ok {
			return nil, fmt.Errorf("line %d: user %q is there twice", n, user)
		}
		h.hashes[user], cost = []byte(hash), max(cost, c)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(h.hashes) == 0 {
		return nil, fmt.Errorf("there is no user in it")
	}
	if _, err := rand.Read(h.salt[:]); err != nil {
		return nil, err
	}
	var err error
	h.nobody, err = bcrypt.GenerateFromPassword(h.salt[:], cost)
	return h, err
}

// Check says whether the password is the user's.
func (h *Htpasswd) Check(user, password string) bool {
	digest := sha256.Sum256(append(append(append([]byte{}, h.salt[:]...), user+"\x00"...), password...))
	h.mu.Lock()
	_, known := h.known[digest]
	h.mu.Unlock()
	if known {
		return true
	}
	hash, ok := h.hashes[user]
	if !ok {
		hash = h.nobody
	}
	h.turn <- struct{}{}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	<-h.turn
	if err != nil || !ok {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) >= maxKnown {
		clear(h.known)
	}
	h.known[digest] = struct{}{}
	return true
}

// equal compares texts in a time that says nothing about them.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
