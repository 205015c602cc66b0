// Package group makes a worker a member of its group of workers, and holds the
// bytes of Connect's group protocol, so that Apache's workers and these can
// share a group.
//
// Member is the client side of Kafka's group coordination with the protocol
// type "connect": Java's AbstractCoordinator, WorkerCoordinator and
// WorkerGroupMember. It finds the coordinator, joins, syncs, sends heartbeats
// and leaves; when the group chooses it as leader, it assigns with an Assigner.
// It survives the coordinator's moves and restarts, and every error after which
// joining again can help; the others end it (see Member.Failed).
//
// # Contract with the herder
//
// The herder gives a Listener to Start and is told of the group's doings by its
// methods, one call at a time, in order. The member does not join (again)
// before a call returns, but goes on with heartbeats. So:
//
//   - OnRevoked names work that must have stopped when it returns, for the next
//     join says that this worker does not have it any more. With the eager
//     protocol it comes before each join, with all work; with the cooperative
//     ones after a join, with what the leader took away.
//   - OnJoined brings the assignment: all the worker is to run, that is what it
//     had, less what was revoked, and what is new. The revoked lists and the
//     delay are still in it. Following up is the herder's: to read the config
//     topic up to the assignment's offset before it starts anything, and to call
//     RequestRejoin when the assignment failed, when its offset is not the
//     worker's, once revoked work has stopped, and when the delay is over. The
//     member joins by itself only if the herder is late with that by a session.
//   - OnLost says that the group may give this worker's work to others soon: no
//     broker has confirmed the membership for the session timeout less a
//     margin (Config.Margin). All work must stop (invariant I6). The member
//     joins again when it can and still claims the work it had, as long as the
//     group waits for it; the next OnJoined says what to start again.
//   - Snapshot is asked at each join, for the offset this worker has read; the
//     same snapshot is assigned by if this worker leads. Refresh is asked of a
//     leader that has read less than another member, and bounded by
//     Config.SyncTimeout; if it does not help, the round ends with
//     state.AssignmentConfigMismatch for all.
//
// A call that does not return within the rebalance timeout holds up the whole
// group; the member then leaves, as Java's worker does on its poll timeout, and
// reports OnLost when the call is over.
//
// RequestRejoin asks for another round; if a round is under way, it comes after
// that. Leave gives up the membership until the next RequestRejoin; work that
// goes on meanwhile is lost like any other when the session would have ended. An
// OnJoined that was being made when Leave was called is void.
// Stop leaves for good; if Config.HandOver is set, the member first gives its
// work to the others in one more round, so that they need not wait for it. All
// work must have stopped by then. Cancelling the context of Start is the end
// without leaving, as in a crash.
//
// View and OwnerURL answer at any time. A worker that does not lead knows no
// owners, and neither does a leader during a rebalance.
package group
