package schema

// Cache keeps the most recent results of a function of its key, at most size of
// them: schemas by the schema they were derived from, for one. It is for one
// goroutine. A size of 0 or less keeps nothing.
type Cache[K comparable, V any] struct {
	size        int
	young, old  map[K]V
	lastKey     K
	lastValue   V
	lastPresent bool
}

// NewCache returns a cache of at most size entries.
func NewCache[K comparable, V any](size int) *Cache[K, V] { return &Cache[K, V]{size: size} }

// Get returns what was put for the key.
func (c *Cache[K, V]) Get(k K) (V, bool) {
	if c.lastPresent && k == c.lastKey {
		return c.lastValue, true
	}
	if v, ok := c.young[k]; ok {
		c.lastKey, c.lastValue, c.lastPresent = k, v, true
		return v, true
	}
	if v, ok := c.old[k]; ok {
		c.Put(k, v)
		return v, true
	}
	var none V
	return none, false
}

// Put keeps v for the key. Entries that were not asked for in a while give way.
func (c *Cache[K, V]) Put(k K, v V) {
	if c.size <= 0 {
		return
	}
	c.lastKey, c.lastValue, c.lastPresent = k, v, true
	if c.size == 1 {
		return
	}
	if len(c.young) >= c.size/2 {
		c.young, c.old = nil, c.young
	}
	if c.young == nil {
		c.young = map[K]V{}
	}
	delete(c.old, k)
	c.young[k] = v
}
