"""Cells that only define: what they leave behind is names, and nothing else has changed."""

from __future__ import annotations

import ast

_OF_TYPES = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.List, ast.BinOp)
"""What an annotation is made of; looking it up changes nothing."""


def only_defines(source: str) -> bool:
    """Say whether a cell's code surely does nothing but bind names to what is new.

    So do definitions of functions, imports, and assignments of literals. After such cells, the
    names as they were at an earlier point give the state of that point back. For other code, and
    for what is not plain Python, the answer is False, whatever it would do.
    """
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(map(_only_binds, body))


def _only_binds(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass)):
        return True
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return _is_plain_function(statement)
    if isinstance(statement, ast.Assign):
        names = all(isinstance(target, ast.Name) for target in statement.targets)
        return names and _is_literal(statement.value)
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_plain_function(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether no other code runs when a function is defined."""
    taken = function.args
    arguments = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    types = [function.returns, *(argument.annotation for argument in arguments if argument)]
    defaults = [*taken.defaults, *taken.kw_defaults]
    return (
        not function.decorator_list
        and all(_is_type(node) for node in types if node)
        and all(_is_literal(node) or isinstance(node, ast.Name) for node in defaults if node)
    )


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _is_type(node: ast.expr) -> bool:
    parts = ast.walk(node)
    return all(isinstance(part, (*_OF_TYPES, ast.expr_context, ast.operator)) for part in parts)


__all__ = ["only_defines"]
