package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc: USER_HZ, which is 100 on every Linux.
const tick = 10 * time.Millisecond

// cpuOf is what a process has used so far, all its threads together.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

// parseStat adds utime and stime of a line of /proc/PID/stat. The command, in
// parentheses, may have blanks and parentheses of its own.
func parseStat(line string) (time.Duration, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return 0, fmt.Errorf("no command in the stat line %q", line)
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("%d fields after the command in the stat line %q, want 13 or more", len(fields), line)
	}
	var sum time.Duration
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("a time in the stat line %q: %w", line, err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// memory is the resident set of a process now and at its peak, in bytes.
type memory struct{ now, peak int64 }

func memoryOf(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	return parseStatus(string(text))
}

// parseStatus reads VmRSS and VmHWM of /proc/PID/status.
func parseStatus(text string) (m memory, err error) {
	for _, f := range []struct {
		key string
		to  *int64
	}{{"VmRSS:", &m.now}, {"VmHWM:", &m.peak}} {
		_, rest, found := strings.Cut("\n"+text, "\n"+f.key)
		line, _, _ := strings.Cut(rest, "\n")
		number, isKB := strings.CutSuffix(strings.TrimSpace(line), " kB")
		if !found || !isKB {
			return memory{}, fmt.Errorf("no %s in kB in the status of a process", f.key)
		}
		if *f.to, err = strconv.ParseInt(number, 10, 64); err != nil {
			return memory{}, fmt.Errorf("%s of a process: %w", f.key, err)
		}
		*f.to <<= 10
	}
	return m, nil
}

// forgetPeak sets the peak of a process to what it holds now.
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
