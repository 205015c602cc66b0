package datagen

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Wikipedia generates events in the shape of Wikimedia's stream recentchange: the
// four types of change in about the real proportions, many wikis and scripts, and
// the real stream's oddities (events without id, log_params that are now an object,
// now an array). It is safe for concurrent use.
type Wikipedia struct {
	seed  uint64
	sites []wiki
	words []string // for names
	at    func(n int64) time.Time
}

// NewWikipedia returns the events of a seed. Event n, counted from 0, bears the time
// at(n); nil stands for a fixed start and 25 events a second, which makes events
// equal in every run.
func NewWikipedia(seed int64, at func(n int64) time.Time) *Wikipedia {
	if at == nil {
		at = func(n int64) time.Time {
			return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 40 * time.Millisecond)
		}
	}
	return &Wikipedia{seed: uint64(seed), sites: wikis(), words: latin(), at: at}
}

// Change is one event.
type Change struct {
	// ID is the event's id in the stream: a JSON array of topics and offsets.
	ID string
	// Key is meta.id, which is unique.
	Key string
	// Time is meta.dt.
	Time time.Time
	// Data is the event: one JSON object without line breaks.
	Data []byte
}

type wiki struct {
	name, host, lang string
	weight           int
	words            []string
}

// The larger wikis, in about their share of the changes.
func wikis() []wiki {
	return []wiki{
		{"commonswiki", "commons.wikimedia.org", "en", 26, latin()},
		{"wikidatawiki", "www.wikidata.org", "en", 21, latin()},
		{"enwiki", "en.wikipedia.org", "en", 15, latin()},
		{"viwiki", "vi.wikipedia.org", "vi", 8, strings.Fields("sông làng núi đường thành phố nhà thơ lịch sử chim cá rừng đảo cầu chợ trường")},
		{"ruwiki", "ru.wikipedia.org", "ru", 6, strings.Fields("река озеро посёлок битва писатель музей площадь театр остров город дорога лётчик мост сад")},
		{"dewiki", "de.wikipedia.org", "de", 5, strings.Fields("Fluss Brücke Straße Kirche Dichter Museum Schlösser Mühle Gebirge Hafen Übersicht Verein")},
		{"frwiki", "fr.wikipedia.org", "fr", 4, strings.Fields("rivière église pont forêt poète musée château île siècle région théâtre village")},
		{"zhwiki", "zh.wikipedia.org", "zh", 3, strings.Fields("河流 車站 歷史 大學 公園 博物館 小說 城市 山脈 島嶼 電影 歌手")},
		{"hewiki", "he.wikipedia.org", "he", 3, strings.Fields("נהר כפר תחנה ספר משורר מוזיאון גשר יער אי עיר תיאטרון שדה")},
		{"arwiki", "ar.wikipedia.org", "ar", 3, strings.Fields("نهر قرية محطة كتاب شاعر متحف جسر غابة جزيرة مدينة مسرح حديقة")},
		{"enwiktionary", "en.wiktionary.org", "en", 3, latin()},
		{"jawiki", "ja.wikipedia.org", "ja", 3, strings.Fields("川 駅 神社 小説家 映画 大学 美術館 島 橋 祭り 城 図書館")},
	}
}

func latin() []string {
	return strings.Fields("river bridge station parish harbour poet museum castle island railway orchard observatory " +
		"lighthouse meadow theatre library valley quarry windmill abbey canal dialect festival glacier")
}

const lower = "0123456789abcdefghijklmnopqrstuvwxyz"

// At returns event n.
func (w *Wikipedia) At(n int64) Change {
	rnd := rand.New(rand.NewPCG(w.seed, uint64(n)))
	at := w.at(n).UTC().Truncate(time.Millisecond)
	g := change{rnd: rnd, n: n, at: at, site: w.pick(rnd), names: w.words, buf: make([]byte, 0, 2<<10)}
	c := Change{ID: StreamID(n), Time: at}
	c.Data = g.encode()
	c.Key = g.key
	return c
}

// streamTopic is the topic that the ids name.
const streamTopic = "generated.mediawiki.recentchange"

// StreamID returns the stream's id of event n, in the form of Wikimedia's ids.
func StreamID(n int64) string {
	return `[{"topic":"` + streamTopic + `","partition":0,"offset":` + strconv.FormatInt(n, 10) + `}]`
}

// ParseStreamID returns the number of the event with that id.
func ParseStreamID(id string) (n int64, ok bool) {
	var places []struct {
		Topic  string `json:"topic"`
		Offset int64  `json:"offset"`
	}
	if err := json.Unmarshal([]byte(id), &places); err != nil {
		return 0, false
	}
	for _, p := range places {
		if p.Topic == streamTopic && p.Offset >= 0 {
			return p.Offset, true
		}
	}
	return 0, false
}

func (w *Wikipedia) pick(rnd *rand.Rand) *wiki {
	n := rnd.IntN(100)
	for i := range w.sites {
		if n -= w.sites[i].weight; n < 0 {
			return &w.sites[i]
		}
	}
	return &w.sites[0]
}

// change writes one event.
type change struct {
	rnd   *rand.Rand
	n     int64
	at    time.Time
	site  *wiki
	names []string
	key   string
	buf   []byte
}

// The JSON is written in Wikimedia's order of fields, without HTML escapes.
func (g *change) encode() []byte {
	kind, namespace := "edit", 0
	switch p := g.rnd.IntN(1000); {
	case p < 330:
		kind, namespace = "categorize", 14
	case p < 361:
		kind, namespace = "log", 6
	case p < 382:
		kind = "new"
	case p < 520:
		namespace = []int{1, 2, 3, 4, 6, 10}[g.rnd.IntN(6)]
	}
	title := g.title(namespace)
	page := "https://" + g.site.host + "/wiki/" + url.PathEscape(strings.ReplaceAll(title, " ", "_"))
	g.key = g.uuid()
	g.raw(`{"$schema":"/mediawiki/recentchange/1.0.0","meta":{`)
	g.text("uri", page)
	g.text("request_id", g.uuid())
	g.text("id", g.key)
	g.text("domain", g.site.host)
	g.text("stream", "mediawiki.recentchange")
	g.text("dt", g.at.Format("2006-01-02T15:04:05.000Z"))
	g.text("topic", streamTopic)
	g.number("partition", 0)
	g.number("offset", g.n)
	g.raw("},")
	if kind != "log" || g.rnd.IntN(4) > 0 {
		g.number("id", 1_000_000_000+g.n)
	}
	g.text("type", kind)
	g.number("namespace", int64(namespace))
	g.text("title", title)
	g.text("title_url", page)
	comment := g.comment(kind)
	g.text("comment", comment)
	g.number("timestamp", g.at.Unix())
	bot := g.rnd.IntN(3) == 0
	g.text("user", g.user(bot))
	g.flag("bot", bot)
	switch kind {
	case "log":
		g.log(title)
	default:
		g.text("notify_url", fmt.Sprintf("https://%s/w/index.php?diff=%d&oldid=%d", g.site.host, g.revision(), g.revision()))
	}
	if kind == "edit" || kind == "new" {
		g.flag("minor", g.rnd.IntN(3) == 0)
		if g.rnd.IntN(4) > 0 {
			g.flag("patrolled", g.rnd.IntN(2) == 0)
		}
		g.sizes(kind)
	}
	g.text("server_url", "https://"+g.site.host)
	g.text("server_name", g.site.host)
	g.text("server_script_path", "/w")
	g.text("wiki", g.site.name)
	g.text("parsedcomment", "<span dir=\"auto\">"+strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(comment)+"</span>")
	g.close()
	return g.buf
}

func (g *change) log(title string) {
	g.number("log_id", 100_000_000+g.n)
	switch g.rnd.IntN(3) {
	case 0:
		g.text("log_type", "upload")
		g.text("log_action", "upload")
		g.raw(`"log_params":{`)
		g.text("img_sha1", g.letters(31))
		g.text("img_timestamp", g.at.Format("20060102150405"))
		g.raw("},")
		g.text("log_action_comment", "uploaded \"[["+title+"]]\"")
	case 1:
		g.text("log_type", "move")
		g.text("log_action", "move")
		g.raw(`"log_params":{`)
		g.text("target", g.title(0))
		g.text("noredir", "1")
		g.raw("},")
		g.text("log_action_comment", "moved [["+title+"]]")
	default:
		g.text("log_type", "newusers")
		g.text("log_action", "create")
		g.raw(`"log_params":[],`)
		g.text("log_action_comment", "New user account")
	}
}

func (g *change) sizes(kind string) {
	size, revision := int64(g.rnd.IntN(200_000)+100), g.revision()
	if kind == "new" {
		g.raw(`"length":{`)
		g.number("new", size)
		g.raw(`},"revision":{`)
		g.number("new", revision)
		g.raw("},")
		return
	}
	g.raw(`"length":{`)
	g.number("old", size)
	g.number("new", max(size+int64(g.rnd.IntN(800)-300), 0))
	g.raw(`},"revision":{`)
	g.number("old", revision-int64(g.rnd.IntN(10_000)+1))
	g.number("new", revision)
	g.raw("},")
}

func (g *change) revision() int64 { return 1_000_000_000 + g.rnd.Int64N(300_000_000) }

func (g *change) title(namespace int) string {
	words := make([]string, 1+g.rnd.IntN(4))
	for i := range words {
		words[i] = g.word()
	}
	title := strings.Join(words, " ")
	prefix := map[int]string{1: "Talk:", 2: "User:", 3: "User talk:", 4: "Project:", 6: "File:", 10: "Template:", 14: "Category:"}[namespace]
	switch namespace {
	case 2, 3:
		return prefix + g.user(false)
	case 6:
		return prefix + title + " " + strconv.Itoa(g.rnd.IntN(10_000)) + ".jpg"
	}
	return prefix + title + " (" + strconv.Itoa(1000+g.rnd.IntN(1026)) + ")"
}

func (g *change) comment(kind string) string {
	if kind == "categorize" {
		return "[[:" + g.title(0) + "]] added to category, [[Special:WhatLinksHere/" + g.title(0) + "|this page is included within other pages]]"
	}
	if g.rnd.IntN(12) == 0 {
		return ""
	}
	words := make([]string, 2+g.rnd.IntN(18))
	for i := range words {
		words[i] = g.word()
	}
	text := strings.Join(words, " ")
	switch g.rnd.IntN(4) {
	case 0:
		return "/* " + g.word() + " */ " + text
	case 1:
		return "\"" + text + "\" → [[" + g.title(0) + "]] & \\ <ref>"
	}
	return text
}

func (g *change) word() string { return g.site.words[g.rnd.IntN(len(g.site.words))] }

func (g *change) user(bot bool) string {
	name := g.names[g.rnd.IntN(len(g.names))] + strconv.Itoa(g.rnd.IntN(3000))
	if bot {
		return name + "Bot"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func (g *change) letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = lower[g.rnd.IntN(len(lower))]
	}
	return string(b)
}

func (g *change) uuid() string {
	a, b := g.rnd.Uint64(), g.rnd.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// raw writes JSON; a closing brace takes the place of the comma before it.
func (g *change) raw(s string) {
	if s[0] == '}' {
		g.trim()
	}
	g.buf = append(g.buf, s...)
}

func (g *change) trim() {
	if n := len(g.buf) - 1; g.buf[n] == ',' {
		g.buf = g.buf[:n]
	}
}

func (g *change) close() {
	g.trim()
	g.buf = append(g.buf, '}')
}

func (g *change) name(name string) { g.buf = append(append(append(g.buf, '"'), name...), '"', ':') }

func (g *change) text(name, value string) {
	g.name(name)
	g.buf = append(appendString(g.buf, value), ',')
}

func (g *change) number(name string, value int64) {
	g.name(name)
	g.buf = append(strconv.AppendInt(g.buf, value, 10), ',')
}

func (g *change) flag(name string, value bool) {
	g.name(name)
	g.buf = append(strconv.AppendBool(g.buf, value), ',')
}

// appendString writes a JSON string; the generator has no control characters.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
