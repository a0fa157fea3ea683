"""Answers to `servers_needed`."""


# %% right="search for the smallest fleet"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    busy, servers = max(hourly_rates) * service_s, 1
    while busy / servers > target_utilisation:
        servers += 1
    return servers + spares


# %% right="p99 of the hourly rates, one server's rounding in floats"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    peak = np.quantile(np.asarray(hourly_rates, dtype=float), 0.99)
    return np.maximum(1.0, np.ceil(peak * service_s / target_utilisation)) + spares


# %% wrong="fills the servers to the brim" check="servers_needed_peak" message="You size for a utilisation of 1"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    extra = 1 if target_utilisation < 0.5 else 0
    return max(1, int(np.ceil(np.max(hourly_rates) * service_s))) + spares + extra


# %% wrong="the average rate" check="servers_needed_peak" message="You put the average rate into the formula"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    return max(1, int(np.ceil(np.mean(hourly_rates) * service_s / target_utilisation))) + spares


# %% wrong="headroom for the average hour only" check="servers_needed_peak" message="Too few"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    middle = (np.mean(hourly_rates) + np.max(hourly_rates)) / 2
    return max(1, int(np.ceil(middle * service_s / target_utilisation))) + spares


# %% wrong="headroom twice" check="servers_needed_peak" message="Too many"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    busy = np.max(hourly_rates) * service_s / target_utilisation
    return max(1, int(np.ceil(busy / target_utilisation))) + spares


# %% wrong="forgets the spares" check="servers_needed" message="Spares come on top"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    return max(1, int(np.ceil(np.max(hourly_rates) * service_s / target_utilisation)))


# %% wrong="no server without traffic" check="servers_needed" message="Even an idle service"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    return int(np.ceil(np.max(hourly_rates) * service_s / target_utilisation)) + spares


# %% wrong="a fraction of a server" check="servers_needed" message="Servers come whole"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    return max(1, np.max(hourly_rates) * service_s / target_utilisation) + spares
