// Package javatime formats and parses dates as java.text.SimpleDateFormat does in
// the locale en_US: lenient, with the Julian calendar before 15 October 1582, week
// years that start on Sunday, and the zone names that Java knows.
//
// It holds no clock: the current time, which Java takes for two-digit years, is an
// argument. java.time.DateTimeFormatter is not here; Connect has no use for it.
package javatime
