// Package group makes a worker a member of its group of workers, and holds the
// bytes of Connect's group protocol.
package group
