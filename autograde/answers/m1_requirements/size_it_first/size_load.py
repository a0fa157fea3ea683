"""Answers to `size_load`."""


# %% right="texts in GiB and TB, one at a time"
def size_load(spec, component_bytes):
    videos = spec["daily_users"] * spec["uploads_per_user"]
    stored = videos * spec["video_bytes"] * spec["replication"]
    index = videos * spec["retention_days"] * spec["vector_dims"] * component_bytes
    shards = -(-index // spec["shard_bytes"])
    return {
        "average_per_s": np.float64(videos / 24 / 3600),
        "peak_per_s": np.array(videos * spec["peak_factor"] / 24 / 3600),
        "storage_bytes_per_day": f"{stored / 2**40:.6f} TiB",
        "storage_bytes": f"{stored * spec['retention_days'] / 1e12:.6f} TB",
        "index_bytes": f"{index / 2**30:.6f} GiB",
        "shards": shards,
    }


# %% right="peak as the p99 of the seconds of a simulated day"
def size_load(spec, component_bytes):
    counts = upload_check.uploads_per_second(5, spec)
    day = counts.sum()
    kept = day * spec["retention_days"]
    index = kept * spec["vector_dims"] * component_bytes
    return {
        "average_per_s": counts.mean(),
        "peak_per_s": np.quantile(counts, 0.99),
        "storage_bytes_per_day": day * spec["video_bytes"] * spec["replication"],
        "storage_bytes": kept * spec["video_bytes"] * spec["replication"],
        "index_bytes": index,
        "shards": np.ceil(index / spec["shard_bytes"]),
    }


# %% right="rounded as on a whiteboard: 100,000 seconds a day"
def size_load(spec, component_bytes):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    kept = uploads * spec["retention_days"]
    index = float(f"{kept * spec['vector_dims'] * component_bytes:.1e}")
    return {
        "average_per_s": uploads / 1e5,
        "peak_per_s": uploads / 1e5 * spec["peak_factor"],
        "storage_bytes_per_day": uploads * spec["replication"] * spec["video_bytes"],
        "storage_bytes": kept * spec["replication"] * spec["video_bytes"],
        "index_bytes": index,
        "shards": int(np.ceil(index / spec["shard_bytes"])),
    }


# %% wrong="a day's uploads as uploads per second" check="size_load_rates" message="is a day's uploads"
def size_load(spec, component_bytes):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    return {"average_per_s": uploads, "peak_per_s": uploads * spec["peak_factor"]}


# %% wrong="the average as the peak" check="size_load_rates" message="Your peak is the average"
def size_load(spec, component_bytes):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    return {"average_per_s": uploads / 86_400, "peak_per_s": uploads / 86_400}


# %% wrong="users instead of uploads" check="size_load_rates" message="uploads per second on average, the day had"
def size_load(spec, component_bytes):
    users = spec["daily_users"] / 86_400
    return {"average_per_s": users, "peak_per_s": users * spec["peak_factor"]}


# %% wrong="one copy of each video" check="size_load_bytes" message="You store each video once"
def size_load(spec, component_bytes):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    per_day = uploads * spec["video_bytes"]
    index = uploads * spec["retention_days"] * spec["vector_dims"] * component_bytes
    return {
        "storage_bytes_per_day": per_day,
        "storage_bytes": per_day * spec["retention_days"],
        "index_bytes": index,
    }


# %% wrong="a day's storage for the whole retention" check="size_load_bytes" message="days of videos take"
def size_load(spec, component_bytes):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    per_day = uploads * spec["video_bytes"] * spec["replication"]
    index = uploads * spec["retention_days"] * spec["vector_dims"] * component_bytes
    return {"storage_bytes_per_day": per_day, "storage_bytes": per_day, "index_bytes": index}


# %% wrong="an index in bits" check="size_load_bytes" message="counted in bits"
def size_load(spec, component_bytes):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    per_day = uploads * spec["video_bytes"] * spec["replication"]
    index = uploads * spec["retention_days"] * spec["vector_dims"] * component_bytes * 8
    return {
        "storage_bytes_per_day": per_day,
        "storage_bytes": per_day * spec["retention_days"],
        "index_bytes": index,
    }


# %% wrong="components instead of bytes" check="size_load_bytes" message="You count components"
def size_load(spec, component_bytes):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    per_day = uploads * spec["video_bytes"] * spec["replication"]
    return {
        "storage_bytes_per_day": per_day,
        "storage_bytes": per_day * spec["retention_days"],
        "index_bytes": uploads * spec["retention_days"] * spec["vector_dims"],
    }


# %% wrong="fp32 whatever it is told" check="size_load_bytes" message="make your index 1.00 times as large"
def size_load(spec, component_bytes):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    per_day = uploads * spec["video_bytes"] * spec["replication"]
    return {
        "storage_bytes_per_day": per_day,
        "storage_bytes": per_day * spec["retention_days"],
        "index_bytes": uploads * spec["retention_days"] * spec["vector_dims"] * 4,
    }


# %% wrong="rounds the shards down" check="size_load" message="you order"
def size_load(spec, component_bytes):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    per_day = uploads * spec["video_bytes"] * spec["replication"]
    index = uploads * spec["retention_days"] * spec["vector_dims"] * component_bytes
    return {
        "average_per_s": uploads / 86_400,
        "peak_per_s": uploads / 86_400 * spec["peak_factor"],
        "storage_bytes_per_day": per_day,
        "storage_bytes": per_day * spec["retention_days"],
        "index_bytes": index,
        "shards": int(index / spec["shard_bytes"]),
    }
