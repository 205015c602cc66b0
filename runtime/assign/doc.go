// Package assign decides which worker of a group runs which connector and task.
// Eager is the round robin of Java's EagerAssignor; Cooperative is the
// incremental cooperative assignment of Java's IncrementalCooperativeAssignor
// as of 4.1.1 (KIP-415, KAFKA-12495, KAFKA-13764). Leader picks one of them by
// the group's protocol and keeps Cooperative's memory between rounds.
//
// Both are pure: they read no clock, do no I/O and hold no state of their own.
// Whatever Java's code leaves to the order of a HashMap is ordered by member id
// here, so that equal inputs give equal plans.
//
// Three things differ from Java on purpose. Work that a member still claims but
// that is not configured any more is revoked even if the leader does not
// remember it (Java's leader forgets it when it is new, so that tasks of a
// deleted connector run on until some later round). What a draining member hands
// over is given to others in the same round. And work that waits for a member to
// come back is given out when a new member has its URL; Java, which knows members by
// ids alone, goes on waiting.
package assign
