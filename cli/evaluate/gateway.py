"""Media Gateway under evaluation: the serving code, fed by ratings instead of Kafka."""

import numpy as np

from agents.co_watch import Tables, fit_of, fit_tables
from cli.evaluate.ratings import Rating, RatingSet
from cli.evaluate.themes import Themes
from domain.cowatch import ENGAGED_ONLY, WEIGHT_ONE, NeighbourRows
from domain.cowatch_histories import HistoryStore
from domain.ranking.history import Floats, Indices
from domain.ranking.learner import FirstTouch, Learner, Prediction
from domain.row_table import NO_ROW, NeighbourRow
from domain.seen import Seen
from domain.slate_index import COWATCH, TOGETHER, ContentSide
from domain.slates import SlateRules, choose
from domain.sources.registry import first_model
from infra.settings import Settings


class Gateway:
    """Content side, learner and refits, all at the settings' defaults."""

    def __init__(self, ratings: RatingSet, settings: Settings) -> None:
        self._ratings = ratings
        self._themes = Themes(ratings.tags)
        self._settings = settings
        self._histories = HistoryStore()
        self.users: set[str] = set()
        self.content = ContentSide()
        self.learner = Learner(
            self.content, first_model(), settings.neighbours_max, predictions=True
        )
        self._rows: dict[str, set[int]] = {COWATCH: set(), TOGETHER: set()}
        self._tables: Tables | None = None

    def take(self, rating: Rating) -> Prediction | None:
        """Predict, learn and count one rating; only a liked one is predicted."""
        known = self.content.known
        for content_id in self._themes.advance(rating.at_ms):
            if content_id in known:
                self._put_content(content_id)
        if rating.content_id not in known:
            self._put_content(rating.content_id)
        seen = Seen(rating.at_ms, 1.0 if rating.liked else 0.0, engaged=True)
        weight = WEIGHT_ONE if rating.liked else ENGAGED_ONLY
        self.users.add(rating.user)
        touch = self.observe(rating.user, rating.content_id, seen, weight, learn=rating.liked)
        return touch and touch.prediction

    def observe(
        self, user: str, content_id: str, seen: Seen, weight: int, *, learn: bool
    ) -> FirstTouch | None:
        """Take in the latest state of one title, with its ``weight`` (0-100) in the refits."""
        self._histories.put(user, content_id, weight)
        return self.learner.observe(user, content_id, seen, learn=learn)

    def refit(self) -> None:
        """Fit the models that are refit, over everything taken in so far."""
        self._fit(None)

    def renew(self) -> None:
        """Fit what changed since the last fit, as the agent does between two refits."""
        self._fit(self._tables)

    def _fit(self, before: Tables | None) -> None:
        self._tables = fit_tables(self._histories.histories(), fit_of(self._settings), before)
        self._put(COWATCH, self._tables.liked.rows)
        self._put(TOGETHER, self._tables.chosen.rows)

    def candidates(self, user: str) -> tuple[Indices, Floats, Floats, int]:
        """Return what can be recommended to a user, and how it is scored.

        Returns:
            The titles, their totals, the scores of all sources for them (shape (sources, titles)),
            and how many titles are known of the user.
        """
        _, scores, allowed = self.learner.score(user)
        titles = np.flatnonzero(allowed)
        matrix = self.learner.ranker.matrix(scores, titles)
        return titles, scores.total[titles], matrix, scores.evidence

    def shown(self, user: str) -> list[int]:
        """Return the slate a user would be shown: with diversity and exploration, best first."""
        history, scores, allowed = self.learner.score(user)
        rules = SlateRules(
            size=self._settings.slate_size,
            ttl_s=self._settings.slate_ttl_s,
            diversity=self._settings.slate_diversity,
            exploration=self._settings.exploration_budget,
        )
        chosen = choose(self.learner.ranker, history, scores, allowed, rules)
        return [pick.title for pick in chosen.picks]

    def _put_content(self, content_id: str) -> None:
        themes = self._themes.of(content_id)
        self.content.put_content(self._ratings.content(content_id, themes))

    def _put(self, table: str, rows: NeighbourRows) -> None:
        dense = [self.content.index_of(content_id) for content_id in rows.title_ids]
        titles = np.array(dense, dtype=np.int64)[rows.neighbours]
        starts = rows.starts.tolist()
        for place, title in enumerate(dense):
            part = slice(starts[place], starts[place + 1])
            self.content.set_row(table, title, NeighbourRow(titles[part], rows.weights[part]))
        for title in self._rows[table].difference(dense):
            self.content.set_row(table, title, NO_ROW)
        self._rows[table] = set(dense)
