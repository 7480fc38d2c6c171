"""What holds of a concept: what its relations state, and what follows where predicates say how two of them compose.

A goal asks what one predicate holds between a concept and. It collects what leads there, predicate by predicate, and
hears of every answer to the goals below it, so cycles end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Set

    from prodabuild.knowledge.predicates import Predicate

    Goal = tuple[str, str]  # concept, predicate
    Triple = tuple[str, str, str]


class Rule(NamedTuple):
    """Where `first` and then `second` hold in a row, `result` holds between the ends."""

    first: str
    second: str
    result: str


class Conclusions:
    """Answers to goals, found when asked for. `stated` gives the triples that a concept is the subject of."""

    def __init__(self, predicate: Callable[[str], Predicate], stated: Callable[[str], Iterable[Triple]]) -> None:
        self._predicate, self._stated = predicate, stated
        self._rules: dict[str, Mapping[str, str]] = {}
        self._leads: dict[str, Set[str]] = {}
        self._next: dict[tuple[str, str, Rule | None], list[Rule]] = {}
        self._answers: dict[Goal, set[str]] = {}
        self._seen: dict[tuple[Goal, str, Rule | None], set[str]] = {}
        self._heard: dict[Goal, list[tuple[Goal, Rule]]] = {}
        self._todo: list[tuple[Goal, str, Iterable[str], Rule | None]] = []
        self._news: dict[Goal, set[str]] = {}

    def objects(self, concept: str, predicate: str) -> Set[str]:
        """Return everything that a predicate holds between a concept and."""
        goal = (concept, predicate)
        if goal not in self._answers:
            self._ask(goal)
            while self._todo or self._news:
                if self._todo:
                    self._add(*self._todo.pop())
                else:  # of the goal that was asked last, which is below others
                    below, answers = self._news.popitem()
                    for asker, rule in self._heard[below]:
                        self._add(asker, rule.result, answers, rule)
        return self._answers[goal]

    def _ask(self, goal: Goal) -> set[str]:
        """Return the answers to a goal so far; a new one begins with what is stated."""
        found = self._answers.get(goal)
        if found is None:
            concept, wanted = goal
            found = self._walk(concept, wanted)
            self._answers[goal], self._heard[goal] = found or set(), []
            if found is None:
                found = self._answers[goal]
                for _, name, target in self._stated(concept):
                    if wanted in self._reachable(name):
                        self._todo.append((goal, name, (target,), None))
        return found

    def _walk(self, concept: str, wanted: str) -> set[str] | None:
        """Return the answers to a goal that rows of its own predicate alone lead to, as most do; None for others."""
        rules = self._following(wanted, wanted, None)
        if rules not in ([], [Rule(wanted, wanted, wanted)]):
            return None
        found, todo = set[str](), [concept]
        while todo:
            for _, name, target in self._stated(todo.pop()):
                if name == wanted:
                    if target not in found:
                        found.add(target)
                        todo += [target] if rules else []
                elif wanted in self._reachable(name):
                    return None
        return found

    def _add(self, goal: Goal, predicate: str, targets: Iterable[str], by: Rule | None) -> None:
        """Add what holds by a rule, or as it is stated, and what follows from it."""
        following = self._following(predicate, goal[1], by)
        if following:
            seen = self._seen.setdefault((goal, predicate, by), set())
            targets = [target for target in targets if target not in seen]
            seen.update(targets)
        if predicate == goal[1] and (news := set(targets) - self._answers[goal]):
            self._answers[goal] |= news
            self._news.setdefault(goal, set()).update(news)
        for rule in following:
            for target in targets:
                below = (target, rule.second)
                if answers := self._ask(below):
                    self._todo.append((goal, rule.result, tuple(answers), rule))
                self._heard[below].append((goal, rule))

    def _following(self, predicate: str, wanted: str, by: Rule | None) -> list[Rule]:
        """Return the rules that are to be followed from what holds by a rule, to what leads to a wanted predicate."""
        key = (predicate, wanted, by)
        if key not in self._next:
            found = self._leading(predicate, wanted, by)
            useful = [rule for rule in found if rule.result == wanted or self._leading(rule.result, wanted, rule)]
            self._next[key] = useful
        return self._next[key]

    def _leading(self, predicate: str, wanted: str, by: Rule | None) -> list[Rule]:
        """Return rules as `_following` does, with those whose results lead nowhere.

        Where x p y, y q z and z s w, what joins p and q with s need not be followed if q with s, joined to p, gives
        the same: then the goal of y has concluded it.
        """
        found = [
            Rule(predicate, second, result)
            for second, result in self._rules_of(predicate).items()
            if wanted in self._reachable(result)
        ]
        if by is None:
            return found
        first, below = self._rules_of(by.first), self._rules_of(by.second)
        return [rule for rule in found if first.get(below.get(rule.second, "")) != rule.result]

    def _reachable(self, predicate: str) -> Set[str]:
        """Return the predicates that what begins with this one may conclude."""
        found = self._leads.get(predicate)
        if found is None:
            reached, todo = {predicate}, [predicate]
            while todo:
                todo += (fresh := {*self._rules_of(todo.pop()).values()} - reached)
                reached |= fresh
            found = self._leads[predicate] = reached
        return found

    def _rules_of(self, predicate: str) -> Mapping[str, str]:
        if predicate not in self._rules:
            found = self._predicate(predicate)
            self._rules[predicate] = {**found.compose, predicate: predicate} if found.transitive else found.compose
        return self._rules[predicate]
