"""Media Gateway under evaluation: the serving code, fed by ratings instead of Kafka."""

import numpy as np

from cli.evaluate.ratings import Rating, RatingSet
from domain import together
from domain.cowatch import ENGAGED_ONLY, WEIGHT_ONE, NeighbourRows, fit
from domain.cowatch_histories import HistoryStore
from domain.ranking.history import Flags, Floats, History, Indices, Seen, make_history
from domain.ranking.learner import Learner, Prediction
from domain.ranking.scoring import ViewerScores
from domain.row_table import NeighbourRow
from domain.slate_index import COWATCH, TOGETHER, ContentSide
from domain.slates import SlateRules, choose
from domain.sources.registry import first_model
from infra.settings import Settings


class Gateway:
    """Content side, learner and refits, all at the settings' defaults."""

    def __init__(self, ratings: RatingSet, settings: Settings) -> None:
        self._ratings = ratings
        self._settings = settings
        self._histories = HistoryStore()
        self.users: set[str] = set()
        self.content = ContentSide()
        self.learner = Learner(self.content, first_model(), settings.neighbours_max)
        self._rows: dict[str, set[int]] = {COWATCH: set(), TOGETHER: set()}

    def take(self, rating: Rating) -> Prediction | None:
        """Predict, learn and count one rating; only a liked one is predicted."""
        if rating.content_id not in self.content.known:
            self.content.put_content(self._ratings.content(rating.content_id))
        seen = Seen(rating.at_ms, 1.0 if rating.liked else 0.0, engaged=True)
        found = self.learner.observe(rating.user, rating.content_id, seen, learn=rating.liked)
        self.users.add(rating.user)
        weight = WEIGHT_ONE if rating.liked else ENGAGED_ONLY
        self._histories.put(rating.user, rating.content_id, weight)
        return found

    def refit(self) -> None:
        """Fit the models that are refit, over everything taken in so far."""
        settings = self._settings
        histories = self._histories.histories()
        self._put(
            COWATCH,
            fit(
                histories,
                settings.cowatch_titles_max,
                settings.cowatch_lambda,
                settings.neighbours_max,
            ),
        )
        self._put(
            TOGETHER,
            together.fit(histories, settings.cowatch_titles_max, settings.neighbours_max),
        )

    def candidates(self, user: str) -> tuple[Indices, Floats, Floats, int]:
        """Return what can be recommended to a user, and how it is scored.

        Returns:
            The titles, their totals, the scores of all sources for them (shape (sources, titles)),
            and how many titles are known of the user.
        """
        _, scores, allowed = self._scored(user)
        titles = np.flatnonzero(allowed)
        matrix = self.learner.ranker.matrix(scores, titles)
        return titles, scores.total[titles], matrix, scores.evidence

    def shown(self, user: str) -> list[int]:
        """Return the slate a user would be shown: with diversity and exploration, best first."""
        history, scores, allowed = self._scored(user)
        rules = SlateRules(
            size=self._settings.slate_size,
            ttl_s=self._settings.slate_ttl_s,
            diversity=self._settings.slate_diversity,
            exploration=self._settings.exploration_budget,
        )
        chosen = choose(self.learner.ranker, history, scores, allowed, rules)
        return [pick.title for pick in chosen.picks]

    def _scored(self, user: str) -> tuple[History, ViewerScores, Flags]:
        history = make_history(self.content, self.learner.seen(user))
        self.learner.sync_rows(history.homes)
        self.learner.ranker.refresh()
        scores = self.learner.ranker.score(history)
        allowed = self.content.recommendable[: len(self.content.ids)].copy()
        allowed[self.content.rollup.homes[history.titles]] = False
        return history, scores, allowed

    def _put(self, table: str, rows: NeighbourRows) -> None:
        dense = [self.content.index_of(content_id) for content_id in rows.title_ids]
        columns = [dense[column] for column in rows.neighbours.tolist()]
        titles = np.array(columns, dtype=np.int64)
        starts = rows.starts.tolist()
        for place, title in enumerate(dense):
            part = slice(starts[place], starts[place + 1])
            self.content.set_row(table, title, NeighbourRow(titles[part], rows.weights[part]))
        gone = self._rows[table].difference(dense)
        for title in gone:
            self.content.set_row(table, title, NeighbourRow(titles[:0], rows.weights[:0]))
        self._rows[table] = set(dense)
