"""Answers to `team_draft`."""


# %% right="the team with fewer picks is next, a coin decides ties"
def team_draft(first, second, rng):
    n_requests, n_places = first.shape
    videos, team = np.zeros_like(first), np.zeros((n_requests, n_places), dtype=int)
    for request in range(n_requests):
        left = [list(first[request]), list(second[request])]
        picks = [0, 0]
        for place in range(n_places):
            tied = picks[0] == picks[1]
            picker = int(rng.random() < 0.5) if tied else int(picks[1] < picks[0])
            best = left[picker][0]
            for ranking in left:
                if best in ranking:
                    ranking.remove(best)
            picks[picker] += 1
            videos[request, place], team[request, place] = best, picker
    return videos, team


# %% right="all requests at once"
def team_draft(first, second, rng):
    n_requests, n_places = first.shape
    row = np.arange(n_requests)
    rankings = np.stack([first, second])
    free = np.ones(rankings.shape, dtype=bool)
    videos, team = [], []
    for place in range(n_places):
        picker = rng.integers(0, 2, n_requests) if place % 2 == 0 else 1 - team[-1]
        best = free[picker, row].argmax(axis=1)
        video = rankings[picker, row, best]
        free &= rankings != video[:, None]
        videos.append(video)
        team.append(picker)
    return np.stack(videos, axis=1), np.stack(team, axis=1)


# %% right="coins tossed one by one, lists returned"
def team_draft(first, second, rng):
    videos, teams = [], []
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        shown, team = [], []
        while len(shown) < len(a):
            order = (0, 1) if rng.choice([True, False]) else (1, 0)
            for picker in order:
                if len(shown) < len(a):
                    shown.append(next(v for v in (a, b)[picker] if v not in shown))
                    team.append(picker)
        videos.append(shown)
        teams.append(team)
    return videos, teams


# %% wrong="the first ranker always opens" check="team_draft_fair" message="and wins against itself"
def team_draft(first, second, rng):
    videos, team = np.empty_like(first), np.empty(first.shape, dtype=int)
    for request, rankings in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        taken = []
        for place in range(first.shape[1]):
            taken.append(next(v for v in rankings[place % 2] if v not in taken))
            team[request, place] = place % 2
        videos[request] = taken
    return videos, team


# %% wrong="one coin for all requests and rounds" check="team_draft_fair" message="One coin serves all requests"
def team_draft(first, second, rng):
    videos, leader = np.empty_like(first), int(rng.integers(2))
    team = np.tile((leader + np.arange(first.shape[1])) % 2, (len(first), 1))
    for request, rankings in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        taken = []
        for picker in team[request]:
            taken.append(next(v for v in rankings[picker] if v not in taken))
        videos[request] = taken
    return videos, team


# %% wrong="one coin for the whole list" check="team_draft_fair" message="One coin decides the whole list"
def team_draft(first, second, rng):
    videos, team = np.empty_like(first), np.empty(first.shape, dtype=int)
    for request, rankings in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        taken, leader = [], int(rng.integers(2))
        for place in range(first.shape[1]):
            picker = (leader + place) % 2
            taken.append(next(v for v in rankings[picker] if v not in taken))
            team[request, place] = picker
        videos[request] = taken
    return videos, team


# %% wrong="a coin for the first round, then a snake" check="team_draft_fair" message="you alternate"
def team_draft(first, second, rng):
    videos, team = np.empty_like(first), np.empty(first.shape, dtype=int)
    for request, rankings in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        taken, leader = [], int(rng.integers(2))
        for place in range(first.shape[1]):
            picker = (leader + place // 2 + place) % 2
            taken.append(next(v for v in rankings[picker] if v not in taken))
            team[request, place] = picker
        videos[request] = taken
    return videos, team


# %% wrong="the same coins for pairs of requests" check="team_draft_fair" message="toss for each request"
def team_draft(first, second, rng):
    videos, team = np.empty_like(first), np.empty(first.shape, dtype=int)
    for request, rankings in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        if request % 2 == 0:
            coins = rng.integers(0, 2, 8)
        taken = []
        for place in range(first.shape[1]):
            picker = (coins[place // 2] + place) % 2
            taken.append(next(v for v in rankings[picker] if v not in taken))
            team[request, place] = picker
        videos[request] = taken
    return videos, team


# %% wrong="copies both rankings place by place" check="team_draft" message="shows the same video twice"
def team_draft(first, second, rng):
    team = rng.integers(0, 2, first.shape)
    return np.where(team == 0, first, second), team


# %% wrong="draws a team for every place" check="team_draft" message="one ranker picked twice"
def team_draft(first, second, rng):
    videos, team = np.empty_like(first), rng.integers(0, 2, first.shape)
    for request, rankings in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        taken = []
        for picker in team[request]:
            taken.append(next(v for v in rankings[picker] if v not in taken))
        videos[request] = taken
    return videos, team


# %% wrong="credits the team at random" check="team_draft_picks" message="are not the best video that the team had left"
def team_draft(first, second, rng):
    videos, team = np.empty_like(first), np.empty(first.shape, dtype=int)
    for request, rankings in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        taken = []
        for place in range(first.shape[1]):
            picker = int(rng.integers(2)) if place % 2 == 0 else 1 - picker
            taken.append(next(v for v in rankings[0] if v not in taken))
            team[request, place] = picker
        videos[request] = taken
    return videos, team
