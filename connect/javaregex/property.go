package javaregex

import (
	"strings"
	"unicode"
)

// The predefined classes of java.util.regex, which are ASCII unless (?U) is on.
var (
	digits     = setOf(span{'0', '9'})
	wordChars  = setOf(span{'0', '9'}, span{'A', 'Z'}, span{'_', '_'}, span{'a', 'z'})
	spaces     = setOf(span{'\t', '\r'}, span{' ', ' '})
	horizontal = setOf(span{' ', ' '}, span{'\t', '\t'}, span{0xa0, 0xa0}, span{0x1680, 0x1680}, span{0x180e, 0x180e},
		span{0x2000, 0x200a}, span{0x202f, 0x202f}, span{0x205f, 0x205f}, span{0x3000, 0x3000})
	vertical = setOf(span{'\n', '\r'}, span{0x85, 0x85}, span{0x2028, 0x2029})
	lineEnds = setOf(span{'\n', '\n'}, span{'\r', '\r'}, span{0x85, 0x85}, span{0x2028, 0x2029})
	lower    = setOf(span{'a', 'z'})
	upper    = setOf(span{'A', 'Z'})
	alpha    = setOf(span{'A', 'Z'}, span{'a', 'z'})
	alnum    = setOf(span{'0', '9'}, span{'A', 'Z'}, span{'a', 'z'})
	punct    = setOf(span{'!', '/'}, span{':', '@'}, span{'[', '`'}, span{'{', '~'})
)

// posix returns an ASCII class of \p.
func posix(name string, fold bool) (set, bool) {
	switch name {
	case "ASCII":
		return setOf(span{0, 0x7f}), true
	case "Alnum":
		return alnum, true
	case "Alpha":
		return alpha, true
	case "Blank":
		return runes(" \t"), true
	case "Cntrl":
		return setOf(span{0, 0x1f}, span{0x7f, 0x7f}), true
	case "Digit":
		return digits, true
	case "Graph":
		return setOf(span{'!', '~'}), true
	case "Lower", "Upper":
		switch {
		case fold:
			return alpha, true
		case name == "Lower":
			return lower, true
		}
		return upper, true
	case "Print":
		return setOf(span{' ', '~'}), true
	case "Punct":
		return punct, true
	case "Space":
		return spaces, true
	case "XDigit":
		return setOf(span{'0', '9'}, span{'A', 'F'}, span{'a', 'f'}), true
	case "L1":
		return setOf(span{0, 0xff}), true
	case "all":
		return setOf(span{0, maxRune}), true
	}
	return nil, false
}

// category returns a general category of Unicode, or one of Java's own properties.
func category(name string, fold bool) (set, bool) {
	if s, ok := posix(name, fold); ok {
		return s, true
	}
	if fold {
		switch name {
		case "Lu", "Ll", "Lt", "javaLowerCase", "javaUpperCase", "javaTitleCase":
			return table(unicode.Lu, unicode.Ll, unicode.Lt), true
		}
	}
	switch name {
	case "LC":
		return table(unicode.Lu, unicode.Ll, unicode.Lt), true
	case "LD", "javaLetterOrDigit":
		return table(unicode.L, unicode.Nd), true
	case "Cn":
		return assigned().negate(), true
	case "C":
		return table(unicode.C).union(assigned().negate()), true
	case "Cs":
		return setOf(span{0xd800, 0xdfff}), true
	case "javaLowerCase":
		return table(unicode.Ll, unicode.Other_Lowercase), true
	case "javaUpperCase":
		return table(unicode.Lu, unicode.Other_Uppercase), true
	case "javaTitleCase":
		return table(unicode.Lt), true
	case "javaAlphabetic":
		return alphabetic(), true
	case "javaIdeographic":
		return table(unicode.Ideographic), true
	case "javaDigit":
		return table(unicode.Nd), true
	case "javaDefined":
		return assigned(), true
	case "javaLetter":
		return table(unicode.L), true
	case "javaSpaceChar":
		return table(unicode.Z), true
	case "javaWhitespace":
		noBreak := setOf(span{0xa0, 0xa0}, span{0x2007, 0x2007}, span{0x202f, 0x202f})
		return table(unicode.Z).intersect(noBreak.negate()).union(setOf(span{'\t', '\r'}, span{0x1c, 0x1f})), true
	case "javaISOControl":
		return setOf(span{0, 0x1f}, span{0x7f, 0x9f}), true
	}
	if len(name) <= 2 {
		if t, ok := unicode.Categories[name]; ok {
			return table(t), true
		}
	}
	return nil, false
}

func assigned() set {
	return table(unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C)
}

func alphabetic() set { return table(unicode.L, unicode.Nl, unicode.Other_Alphabetic) }

// binary returns a binary property of Unicode by its name in any case (\p{IsAlphabetic}).
func binary(name string, fold bool) (set, bool) {
	switch strings.ToUpper(name) {
	case "ALPHABETIC":
		return alphabetic(), true
	case "LETTER":
		return table(unicode.L), true
	case "IDEOGRAPHIC":
		return table(unicode.Ideographic), true
	case "LOWERCASE", "UPPERCASE", "TITLECASE":
		if fold {
			return table(unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase), true
		}
		switch strings.ToUpper(name) {
		case "LOWERCASE":
			return table(unicode.Ll, unicode.Other_Lowercase), true
		case "UPPERCASE":
			return table(unicode.Lu, unicode.Other_Uppercase), true
		}
		return table(unicode.Lt), true
	case "WHITE_SPACE", "WHITESPACE":
		return table(unicode.White_Space), true
	case "CONTROL":
		return table(unicode.Cc), true
	case "PUNCTUATION":
		return table(unicode.P), true
	case "HEX_DIGIT", "HEXDIGIT":
		return table(unicode.Hex_Digit, unicode.Nd), true
	case "ASSIGNED":
		return assigned(), true
	case "NONCHARACTER_CODE_POINT", "NONCHARACTERCODEPOINT":
		return table(unicode.Noncharacter_Code_Point), true
	case "DIGIT":
		return table(unicode.Nd), true
	case "ALNUM":
		return alphabetic().union(table(unicode.Nd)), true
	case "BLANK":
		return table(unicode.Zs).union(single('\t')), true
	case "WORD":
		return unicodeWord(), true
	case "JOIN_CONTROL", "JOINCONTROL":
		return table(unicode.Join_Control), true
	}
	return nil, false
}

func unicodeWord() set {
	return alphabetic().union(table(unicode.M, unicode.Nd, unicode.Pc, unicode.Join_Control))
}

// posixUnicode returns what a POSIX class means under (?U).
func posixUnicode(name string, fold bool) (set, bool) {
	switch name {
	case "Alpha":
		return alphabetic(), true
	case "Lower", "Upper":
		return binary(name+"case", fold)
	case "Space":
		return binary("WHITE_SPACE", fold)
	case "Punct":
		return table(unicode.P), true
	case "XDigit":
		return binary("HEX_DIGIT", fold)
	case "Alnum", "Blank", "Digit":
		return binary(name, fold)
	case "Cntrl":
		return table(unicode.Cc), true
	}
	return nil, false
}

// script returns the letters of a script by its name in any case.
func script(name string) (set, bool) {
	for known, t := range unicode.Scripts {
		if strings.EqualFold(known, name) || strings.EqualFold(strings.ReplaceAll(known, "_", ""), name) {
			return table(t), true
		}
	}
	if short, ok := map[string]string{"LATN": "Latin", "GREK": "Greek", "CYRL": "Cyrillic", "ARAB": "Arabic", "HEBR": "Hebrew",
		"HANI": "Han", "HIRA": "Hiragana", "KANA": "Katakana", "HANG": "Hangul", "THAI": "Thai", "DEVA": "Devanagari"}[strings.ToUpper(name)]; ok {
		return table(unicode.Scripts[short]), true
	}
	return nil, false
}

// block returns a Unicode block. The blocks that patterns name in practice are known.
func block(name string) (set, bool) {
	key := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToUpper(name))
	s, ok := map[string]span{
		"BASICLATIN": {0, 0x7f}, "LATIN1SUPPLEMENT": {0x80, 0xff}, "LATINEXTENDEDA": {0x100, 0x17f}, "LATINEXTENDEDB": {0x180, 0x24f},
		"IPAEXTENSIONS": {0x250, 0x2af}, "COMBININGDIACRITICALMARKS": {0x300, 0x36f}, "GREEK": {0x370, 0x3ff}, "GREEKANDCOPTIC": {0x370, 0x3ff},
		"CYRILLIC": {0x400, 0x4ff}, "ARMENIAN": {0x530, 0x58f}, "HEBREW": {0x590, 0x5ff}, "ARABIC": {0x600, 0x6ff}, "DEVANAGARI": {0x900, 0x97f},
		"THAI": {0xe00, 0xe7f}, "GEORGIAN": {0x10a0, 0x10ff}, "HANGULJAMO": {0x1100, 0x11ff}, "LATINEXTENDEDADDITIONAL": {0x1e00, 0x1eff},
		"GREEKEXTENDED": {0x1f00, 0x1fff}, "GENERALPUNCTUATION": {0x2000, 0x206f}, "CURRENCYSYMBOLS": {0x20a0, 0x20cf}, "ARROWS": {0x2190, 0x21ff},
		"MATHEMATICALOPERATORS": {0x2200, 0x22ff}, "BOXDRAWING": {0x2500, 0x257f}, "CJKSYMBOLSANDPUNCTUATION": {0x3000, 0x303f},
		"HIRAGANA": {0x3040, 0x309f}, "KATAKANA": {0x30a0, 0x30ff}, "CJKUNIFIEDIDEOGRAPHS": {0x4e00, 0x9fff}, "HANGULSYLLABLES": {0xac00, 0xd7af},
		"PRIVATEUSEAREA": {0xe000, 0xf8ff}, "HALFWIDTHANDFULLWIDTHFORMS": {0xff00, 0xffef}, "EMOTICONS": {0x1f600, 0x1f64f},
	}[key]
	return set{s}, ok
}
