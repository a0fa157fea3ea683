# %% [markdown]
# # Doubling
#
# A lab for the project's own tests: 5 minutes, 6 points.

# %%
import numpy as np

numbers = np.arange(5)

# %% [markdown]
# ### Exercise 1 · Double (3 points)
#
# Write `double(x)`. Return twice `x`, a number or an array.


# %% exercise="double"
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    return 2 * np.asarray(x)
    ### END SOLUTION


# %% check="double" points=1
# Doubles a number
assert double(2) == 4, f"double(2) should be 4, it is {double(2)}"

# %% check="double_arrays" points=2
# Doubles every number of an array
### BEGIN HIDDEN TESTS
answer = double(numbers + 1)
assert list(answer) == [2, 4, 6, 8, 10], f"twice 1 to 5 came out as {answer}"
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 2 · Halve (3 points)
#
# Write `halve(x)`. Return half of `x`.


# %% exercise="halve"
def halve(x):
    """Return half of x."""
    ### BEGIN SOLUTION
    return np.asarray(x) / 2
    ### END SOLUTION


# %% check="halve" points=1
# Halves an even number
assert halve(8) == 4, f"halve(8) should be 4, it is {halve(8)}"

# %% check="halve_odd" points=2
# Keeps the fraction of an odd number
### BEGIN HIDDEN TESTS
answer = halve(7)
assert answer == 3.5, f"half of 7 came out as {answer}: don't round"
### END HIDDEN TESTS

# %% play="double, halve"
print(halve(double(3)))
