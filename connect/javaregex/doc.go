// Package javaregex matches regular expressions with the syntax and meaning of
// java.util.regex (Java 17): users' patterns are written for it, and RE2 lacks
// lookaround, back references and possessive quantifiers, and reads \w, \b, $ and
// character classes otherwise.
//
// A pattern is translated for a backtracking engine. What cannot be translated
// faithfully (grapheme clusters, names of characters) is refused. A pattern whose
// time could grow beyond measure is given a limit, after which matching ends with an error.
//
// Two things differ from Java: a group that matched within an attempt given up later
// (in a possessive or negative part) has no text here, where Java leaves it what it had;
// and look-behind with repetition of a group is measured more generously.
package javaregex
