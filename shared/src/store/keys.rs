//! The key grammar of the one table, in one place: which item lies where, and under which index keys.
//!
//! The kind comes first in every partition key, so that a rule on leading keys is a plain prefix. Okta's ids and ours
//! hold no `#`.

use crate::id::{AuditId, ConnectionId, SyncId, TriggerId};
use crate::okta::{AppId, GroupId, Principal, UserId};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

/// The key of an item in one of the indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexKey {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

/// Users are spread over this many index partitions: a constant for ever, since it is part of stored keys.
pub const SHARDS: u32 = 8;

/// The sort key of an item that is alone in its partition.
const ALONE: &str = "@";

/// Which objects of a directory are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Those the tenant has.
    Present,
    /// Those it no longer has, for a while.
    Removed,
}

fn key(pk: String, sk: impl Into<String>) -> Key {
    Key { pk, sk: sk.into() }
}

/// The connection itself.
pub fn connection(id: &ConnectionId) -> Key {
    key(connection_partition(id), ALONE)
}

/// The partition of a connection, its lease, its sync state and its runs.
pub fn connection_partition(id: &ConnectionId) -> String {
    format!("C#{id}")
}

/// The index partition of all connections, oldest first.
pub const CONNECTIONS: &str = "CONNS";

/// Where a connection stands among all.
pub fn connection_index(id: &ConnectionId, created_at: Timestamp) -> IndexKey {
    IndexKey { pk: CONNECTIONS.to_owned(), sk: format!("{created_at:.3}#{id}") }
}

/// The lease under which a sync writes.
pub fn sync_lease(id: &ConnectionId) -> Key {
    key(connection_partition(id), "LEASE#sync")
}

/// What the last test of a connection found.
pub fn last_test(id: &ConnectionId) -> Key {
    key(connection_partition(id), "TEST")
}

/// The lease under which a refresh token is used.
pub fn token_lease(id: &ConnectionId) -> Key {
    key(connection_partition(id), "LEASE#token")
}

/// The access token of a sign-in, sealed.
pub fn access_token(id: &ConnectionId) -> Key {
    key(connection_partition(id), "TOKEN")
}

/// The partition of what the writers of a feed share. It is not that of the connection, because `public`, the function
/// for unauthenticated clients, writes feeds and must not be able to write connections.
pub fn writers_partition(id: &ConnectionId) -> String {
    format!("H#{id}")
}

/// The lease under which a feed is written.
pub fn feed_lease(id: &ConnectionId) -> Key {
    key(writers_partition(id), "LEASE")
}

/// How far a feed is: its newest chunk, and where the reading of the System Log stands.
pub fn feed_head(id: &ConnectionId) -> Key {
    key(writers_partition(id), "HEAD")
}

/// Where version 0.1 kept the head.
pub fn former_feed_head(id: &ConnectionId) -> Key {
    key(connection_partition(id), "FEED")
}

/// One chunk of a feed; numbers begin at 1 and have no gap.
pub fn feed_chunk(id: &ConnectionId, number: u64) -> Key {
    key(feed_partition(id), feed_sort_key(number))
}

/// Where the chunk with a number stands in its partition.
pub fn feed_sort_key(number: u64) -> String {
    format!("{number:020}")
}

/// The partition of a connection's feed.
pub fn feed_partition(id: &ConnectionId) -> String {
    format!("F#{id}")
}

/// That an event of Okta's which may come twice is in the feed.
pub fn ledger(id: &ConnectionId, uuid: &str) -> Key {
    key(format!("L#{id}#{uuid}"), ALONE)
}

/// What the sort keys of triggers begin with.
pub const TRIGGERS: &str = "TRG#";

/// A trigger.
pub fn trigger(connection: &ConnectionId, trigger: &TriggerId) -> Key {
    key(connection_partition(connection), format!("{TRIGGERS}{trigger}"))
}

/// The connector's own hook of a connection.
pub fn own_hook(connection: &ConnectionId) -> Key {
    key(connection_partition(connection), "HOOK")
}

/// When the last event was that the connector's own hook heard of. It is not in the connection's partition, so that a function
/// can write it without the right to write connections.
pub fn heard(connection: &ConnectionId) -> Key {
    key(format!("HEARD#{connection}"), ALONE)
}

/// What a user's sign-in is recognized by when the browser comes back; `hash` is that of its state.
pub fn sign_in(hash: &str) -> Key {
    key(format!("Q#{hash}"), ALONE)
}

/// What outlives a sync: counts, the last run, the roster's version.
pub fn sync_state(id: &ConnectionId) -> Key {
    key(connection_partition(id), "SYNC")
}

/// What the sort keys of runs begin with.
pub const RUNS: &str = "RUN#";

/// One run of a sync.
pub fn run(connection: &ConnectionId, sync: &SyncId) -> Key {
    key(connection_partition(connection), format!("{RUNS}{sync}"))
}

/// The wish that a run stops.
pub fn cancelled(connection: &ConnectionId, sync: &SyncId) -> Key {
    key(connection_partition(connection), format!("CANCEL#{sync}"))
}

/// A candidate that waits for a run.
pub fn candidate(connection: &ConnectionId, name: &str) -> Key {
    key(candidates_partition(connection), name)
}

/// The partition of a connection's candidates. It is not that of the connection, so that a function can report candidates without
/// the right to write connections.
pub fn candidates_partition(connection: &ConnectionId) -> String {
    format!("CANDIDATES#{connection}")
}

/// What the sort keys of holders of admin roles begin with.
pub const ADMINS: &str = "ADMIN#";

/// What the sort keys of custom roles begin with.
pub const CUSTOM_ROLES: &str = "ROLE#";

/// What the sort keys of resource sets begin with.
pub const RESOURCE_SETS: &str = "SET#";

/// What the sort keys of groups' owners begin with.
pub const OWNED: &str = "OWNED#";

/// What the sort keys of group rules begin with.
pub const GROUP_RULES: &str = "RULE#";

/// The admin roles of a holder.
pub fn admin(connection: &ConnectionId, holder: &Principal) -> Key {
    key(access_partition(connection), format!("{ADMINS}{}#{}", holder.kind(), holder.id()))
}

/// A custom role.
pub fn custom_role(connection: &ConnectionId, role: &str) -> Key {
    key(access_partition(connection), format!("{CUSTOM_ROLES}{role}"))
}

/// A resource set.
pub fn resource_set(connection: &ConnectionId, set: &str) -> Key {
    key(access_partition(connection), format!("{RESOURCE_SETS}{set}"))
}

/// The owners of a group.
pub fn owned(connection: &ConnectionId, group: &GroupId) -> Key {
    key(access_partition(connection), format!("{OWNED}{group}"))
}

/// A group rule.
pub fn group_rule(connection: &ConnectionId, rule: &str) -> Key {
    key(access_partition(connection), format!("{GROUP_RULES}{rule}"))
}

/// The partition of who may administer what.
pub fn access_partition(connection: &ConnectionId) -> String {
    format!("ACCESS#{connection}")
}

/// A batch of events that the feed of a connection has not taken in yet, in the order in which they are told.
pub fn inbox(connection: &ConnectionId) -> Key {
    key(inbox_partition(connection), uuid::Uuid::now_v7().simple().to_string())
}

/// The partition of a connection's inbox.
pub fn inbox_partition(connection: &ConnectionId) -> String {
    format!("B#{connection}")
}

/// That there is something left to do after a connection was deleted.
pub fn purge(id: &ConnectionId) -> Key {
    key(connection_partition(id), "PURGE")
}

/// The index partition of deleted connections whose directory is still there.
pub const PURGES: &str = "PURGES";

/// A user.
pub fn user(connection: &ConnectionId, user: &UserId) -> Key {
    key(user_partition(connection, user), ALONE)
}

/// The partition of a user, its memberships and its assignments.
pub fn user_partition(connection: &ConnectionId, user: &UserId) -> String {
    format!("U#{connection}#{user}")
}

/// What the sort keys of a user's memberships begin with.
pub const MEMBERSHIPS: &str = "G#";

/// A user's membership in a group.
pub fn membership(connection: &ConnectionId, group: &GroupId, user: &UserId) -> Key {
    key(user_partition(connection, user), format!("{MEMBERSHIPS}{group}"))
}

/// Where a membership stands among those of its group.
pub fn membership_index(connection: &ConnectionId, group: &GroupId, user: &UserId) -> IndexKey {
    IndexKey { pk: members_partition(connection, group), sk: user.to_string() }
}

/// The index partition of a group's members.
pub fn members_partition(connection: &ConnectionId, group: &GroupId) -> String {
    format!("MEM#{connection}#{group}")
}

/// What the sort keys of a user's assignments begin with.
pub const ASSIGNMENTS: &str = "P#";

/// A user's assignment to an app.
pub fn assignment(connection: &ConnectionId, app: &AppId, user: &UserId) -> Key {
    key(user_partition(connection, user), format!("{ASSIGNMENTS}{app}"))
}

/// Where an assignment stands among those of its app. Its scope is part of the key, because an index holds keys only.
pub fn assignment_index(connection: &ConnectionId, app: &AppId, user: &UserId, scope: &str) -> IndexKey {
    IndexKey { pk: assigned_partition(connection, app), sk: format!("{user}#{scope}") }
}

/// The user of an index sort key of an edge, and the scope where the edge is an assignment.
pub fn split_edge_index(sk: &str) -> (&str, Option<&str>) {
    sk.split_once('#').map_or((sk, None), |(user, scope)| (user, Some(scope)))
}

/// The index partition of an app's assignments.
pub fn assigned_partition(connection: &ConnectionId, app: &AppId) -> String {
    format!("ASG#{connection}#{app}")
}

/// The index partition of the edges of a group or an app, by the partition of that object.
pub fn edges_partition(object: &str) -> String {
    match object.split_once('#') {
        Some(("G", group)) => format!("MEM#{group}"),
        Some((_, app)) => format!("ASG#{app}"),
        None => String::new(),
    }
}

/// Where a user stands among all of its connection.
pub fn user_index(connection: &ConnectionId, user: &UserId, listed: Listed) -> IndexKey {
    IndexKey { pk: users_partition(connection, listed, shard(user)), sk: user.to_string() }
}

/// One of the index partitions of users.
pub fn users_partition(connection: &ConnectionId, listed: Listed, shard: u32) -> String {
    format!("{}#{connection}#U#{shard}", listed.letter())
}

/// A group.
pub fn group(connection: &ConnectionId, group: &GroupId) -> Key {
    key(format!("G#{connection}#{group}"), ALONE)
}

/// Where a group stands among all of its connection: by its folded name.
pub fn group_index(connection: &ConnectionId, group: &GroupId, folded_name: &str, listed: Listed) -> IndexKey {
    named(groups_partition(connection, listed), folded_name, group.as_str())
}

/// Sorts before a blank, so that "design" stands before "design team".
const AFTER_NAME: char = '\u{1}';

fn named(pk: String, folded_name: &str, id: &str) -> IndexKey {
    let name: String = folded_name.chars().filter(|letter| *letter != AFTER_NAME).take(200).collect();
    IndexKey { pk, sk: format!("{}{id}", named_exactly(&name)) }
}

/// What the index sort keys of objects with exactly this folded name begin with.
pub fn named_exactly(folded_name: &str) -> String {
    format!("{folded_name}{AFTER_NAME}")
}

/// The folded name and the id of a group's or an app's index sort key.
pub fn split_named_index(sk: &str) -> Option<(&str, &str)> {
    sk.rsplit_once(AFTER_NAME)
}

/// The index partition of groups.
pub fn groups_partition(connection: &ConnectionId, listed: Listed) -> String {
    format!("{}#{connection}#G#0", listed.letter())
}

/// An app.
pub fn app(connection: &ConnectionId, app: &AppId) -> Key {
    key(format!("P#{connection}#{app}"), ALONE)
}

/// Where an app stands among all of its connection: by its folded label.
pub fn app_index(connection: &ConnectionId, app: &AppId, folded_label: &str, listed: Listed) -> IndexKey {
    named(apps_partition(connection, listed), folded_label, app.as_str())
}

/// The index partition of apps.
pub fn apps_partition(connection: &ConnectionId, listed: Listed) -> String {
    format!("{}#{connection}#P#0", listed.letter())
}

/// One page that a run has seen of a listing; `listing` tells the listings and passes of a run apart.
pub fn seen(sync: &SyncId, listing: &str, page: u32) -> Key {
    key(seen_partition(sync, listing), format!("{page:06}"))
}

/// The partition of all pages of a listing that a run has seen.
pub fn seen_partition(sync: &SyncId, listing: &str) -> String {
    format!("S#{sync}#{listing}")
}

/// One part of the roster, named after its content.
pub fn roster_part(connection: &ConnectionId, name: &str) -> Key {
    key(roster_partition(connection), name)
}

/// The partition of a roster.
pub fn roster_partition(connection: &ConnectionId) -> String {
    format!("T#{connection}")
}

/// A row of the audit, by the moment the change was asked for. Nobody but the purge of DynamoDB itself deletes one.
pub fn audit(id: &AuditId, at: Timestamp) -> Key {
    let month = audit_month(at.to_zoned(TimeZone::UTC).date());
    key(month, format!("{}#{id}", audit_sort_key(at)))
}

/// The partition of all rows of a month. A day's would hold too little to be worth a query each.
pub fn audit_month(month: jiff::civil::Date) -> String {
    format!("D#{}", month.strftime("%Y%m"))
}

/// What the sort keys of rows of a moment begin with, in the table and in every index.
pub fn audit_sort_key(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The moment of a row's sort key.
pub fn audit_moment(sk: &str) -> Option<Timestamp> {
    sk.split_once('#')?.0.parse().ok()
}

/// The index partition of a connection's rows.
pub fn audit_of_connection(id: &str) -> String {
    format!("DC#{id}")
}

/// The index partition of the rows about one thing.
pub fn audit_of_target(id: &str) -> String {
    format!("DT#{id}")
}

/// The index partition of the rows of one subject.
pub fn audit_by_actor(subject: &str) -> String {
    format!("DA#{subject}")
}

/// A request that may be repeated, by the fingerprint of who sent what under which key. One about a connection lies with the
/// others about it, and goes with it.
pub fn request(connection: Option<&ConnectionId>, fingerprint: &str) -> Key {
    match connection {
        Some(connection) => key(requests_partition(connection), fingerprint),
        None => key(format!("I#{fingerprint}"), ALONE),
    }
}

/// The partition of the requests about a connection.
pub fn requests_partition(connection: &ConnectionId) -> String {
    format!("I#{connection}")
}

/// FNV-1a over the id: which of the index partitions a user lies in.
fn shard(user: &UserId) -> u32 {
    let hash =
        user.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    hash % SHARDS
}

impl Listed {
    fn letter(self) -> &'static str {
        match self {
            Self::Present => "N",
            Self::Removed => "X",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_shard_never_moves() {
        let shards: Vec<_> = ["00u1", "00unwlw0tbo8E6aVj5d7", "00uqrks9ig7XuWV7X5d7"]
            .iter()
            .map(|id| shard(&UserId::parse(id).expect("an id")))
            .collect();
        assert_eq!(shards, [3, 7, 6]);
    }

    #[test]
    fn a_groups_index_key_gives_back_name_and_id() {
        let (connection, group) = (ConnectionId::random(), GroupId::parse("00g1").expect("an id"));
        let index = group_index(&connection, &group, "it # support", Listed::Present);
        assert_eq!(split_named_index(&index.sk), Some(("it # support", "00g1")));
    }

    #[test]
    fn a_shorter_name_comes_before_the_names_that_begin_with_it() {
        let connection = ConnectionId::random();
        let group = GroupId::parse("00g1").expect("an id");
        let key = |name| group_index(&connection, &group, name, Listed::Present).sk;
        assert!(key("design") < key("design team") && key("design team") < key("design team 2"));
    }

    #[test]
    fn an_edges_index_key_gives_back_its_user_and_scope() {
        let connection = ConnectionId::random();
        let (app, user) = (AppId::parse("0oa1").expect("an id"), UserId::parse("00u1").expect("an id"));
        let index = assignment_index(&connection, &app, &user, "GROUP");
        assert_eq!(split_edge_index(&index.sk), ("00u1", Some("GROUP")));
        assert_eq!(split_edge_index("00u1"), ("00u1", None));
    }
}
