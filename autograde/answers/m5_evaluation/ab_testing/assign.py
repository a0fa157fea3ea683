"""Answers to `assign`."""


# %% right="md5, whole digest modulo a million"
def assign(user_ids, salt, treated_share):
    buckets = [
        int(hashlib.md5(f"{user_id}/{salt}".encode()).hexdigest(), 16) % 1_000_000
        for user_id in user_ids
    ]
    return [int(bucket < treated_share * 1_000_000) for bucket in buckets]


# %% right="sha1, first eight bytes"
def assign(user_ids, salt, treated_share):
    arms = []
    for user_id in np.asarray(user_ids).tolist():
        digest = hashlib.sha1(f"{salt}|{user_id}".encode()).digest()
        arms.append(int.from_bytes(digest[:8], "big") < treated_share * 2**64)
    return np.array(arms)


# %% right="the world's own hash"
def assign(user_ids, salt, treated_share):
    return feed.assign(user_ids, salt, (1 - treated_share, treated_share))


# %% wrong="draws on every visit" check="assign" message="changed their arm when asked again"
visits = np.random.default_rng(0)


def assign(user_ids, salt, treated_share):
    return (visits.random(len(user_ids)) < treated_share).astype(int)


# %% wrong="one byte modulo 100" check="assign_uniform" message="A byte has 256 values"
def assign(user_ids, salt, treated_share):
    buckets = [hashlib.md5(f"{salt}:{user_id}".encode()).digest()[0] % 100 for user_id in user_ids]
    return (np.array(buckets) < 100 * treated_share).astype(int)


# %% wrong="no hash: the id modulo 100" check="assign_uniform" message="of ids that end in 00 to 09 are treated"
def assign(user_ids, salt, treated_share):
    return (np.asarray(user_ids) % 100 < 100 * treated_share).astype(int)


# %% wrong="no salt in the hash" check="assign_salts" message="the salt is not in the hash"
def assign(user_ids, salt, treated_share):
    digests = [hashlib.sha256(str(user_id).encode()).hexdigest() for user_id in user_ids]
    place = np.array([int(digest[:15], 16) / 16**15 for digest in digests])
    return (place < treated_share).astype(int)


# %% wrong="adds the length of the salt to the id's hash" check="assign_salts" message="treated under both salts"
def assign(user_ids, salt, treated_share):
    digests = [hashlib.sha256(str(user_id).encode()).hexdigest() for user_id in user_ids]
    place = np.array([int(digest[:15], 16) / 16**15 for digest in digests])
    return ((place + 0.2 * len(salt)) % 1 < treated_share).astype(int)


# %% wrong="a checksum for a hash" check="assign_salts" message="the hash mixes poorly"
import zlib


def assign(user_ids, salt, treated_share):
    checksums = [zlib.crc32(f"{salt}-{user_id}".encode()) for user_id in user_ids]
    return (np.array(checksums) / 2**32 < treated_share).astype(int)
