package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/moldau-io/moldau/connect"
)

// GroupOffsets returns the committed offsets of a consumer group, none for a group
// that does not exist.
func (a *Admin) GroupOffsets(ctx context.Context, group string) (map[connect.TopicPartition]int64, error) {
	offsets := map[connect.TopicPartition]int64{}
	err := a.retry(ctx, "reading the offsets of group "+group, func(ctx context.Context) error {
		clear(offsets)
		resp, err := a.kadm.FetchOffsets(ctx, group)
		if errors.Is(err, kerr.GroupIDNotFound) {
			return nil
		}
		if err != nil {
			return shardError(err)
		}
		if err := resp.Error(); err != nil {
			return err
		}
		resp.Each(func(o kadm.OffsetResponse) {
			if o.At >= 0 {
				offsets[connect.TopicPartition{Topic: o.Topic, Partition: o.Partition}] = o.At
			}
		})
		return nil
	})
	if err != nil {
		return nil, javaTimeout(err)
	}
	return offsets, nil
}

// AlterGroupOffsets commits offsets for a group that has no members; GroupInUse tells
// when it has.
func (a *Admin) AlterGroupOffsets(ctx context.Context, group string, offsets map[connect.TopicPartition]int64) error {
	var os kadm.Offsets
	for tp, o := range offsets {
		os.AddOffset(tp.Topic, tp.Partition, o, -1)
	}
	return javaTimeout(a.retry(ctx, "changing the offsets of group "+group, func(ctx context.Context) error {
		return shardError(a.kadm.CommitAllOffsets(ctx, group, os))
	}))
}

// DeleteGroupOffsets forgets offsets of a group that does not read the topics now;
// GroupInUse tells when it does. Offsets that are not there are no error.
func (a *Admin) DeleteGroupOffsets(ctx context.Context, group string, partitions []connect.TopicPartition) error {
	var set kadm.TopicsSet
	for _, tp := range partitions {
		set.Add(tp.Topic, tp.Partition)
	}
	return javaTimeout(a.retry(ctx, "deleting offsets of group "+group, func(ctx context.Context) error {
		resp, err := a.kadm.DeleteOffsets(ctx, group, set)
		if err != nil {
			return shardError(err)
		}
		for _, ps := range resp {
			for _, err := range ps {
				if err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// DeleteGroup deletes a group that has no members, with its offsets. GroupInUse tells
// when it has members, GroupNotFound when there is no such group.
func (a *Admin) DeleteGroup(ctx context.Context, group string) error {
	return javaTimeout(a.retry(ctx, "deleting group "+group, func(ctx context.Context) error {
		resp, err := a.kadm.DeleteGroup(ctx, group)
		if err != nil {
			return shardError(err)
		}
		return resp.Err
	}))
}

// GroupInUse says whether an operation on a group failed because it has members.
func GroupInUse(err error) bool {
	return errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.GroupSubscribedToTopic) || errors.Is(err, kerr.NonEmptyGroup)
}

// GroupNotFound says whether an operation failed because the group does not exist.
func GroupNotFound(err error) bool { return errors.Is(err, kerr.GroupIDNotFound) }
