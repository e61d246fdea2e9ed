"""Media Gateway under evaluation: the serving code, fed by ratings instead of Kafka."""

import numpy as np

from cli.evaluate.data import Rating, RatingSet
from domain import together
from domain.cowatch import ENGAGED_ONLY, WEIGHT_ONE, NeighbourRows, fit
from domain.cowatch_histories import HistoryStore
from domain.ranking.history import Seen, make_history
from domain.ranking.learner import Learner, Prediction
from domain.ranking.scoring import ViewerScores
from domain.slate_index import COWATCH, TOGETHER, ContentSide, NeighbourRow
from domain.sources.registry import first_model
from infra.settings import Settings


class Gateway:
    """Content side, learner and refits, all at the settings' defaults."""

    def __init__(self, ratings: RatingSet, settings: Settings) -> None:
        self._ratings = ratings
        self._settings = settings
        self._histories = HistoryStore()
        self.content = ContentSide()
        self.learner = Learner(self.content, first_model(), settings.neighbours_max)
        self._rows: dict[str, set[int]] = {COWATCH: set(), TOGETHER: set()}

    def take(self, rating: Rating) -> Prediction | None:
        """Predict, learn and count one rating; only a liked one is predicted."""
        if rating.content_id not in self.content.known:
            self.content.put_content(self._ratings.content(rating.content_id))
        seen = Seen(rating.at_ms, 1.0 if rating.liked else 0.0, engaged=True)
        found = self.learner.observe(rating.user, rating.content_id, seen, learn=rating.liked)
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

    def score(self, user: str) -> ViewerScores:
        """Return the user's scores over all titles, from everything taken in so far."""
        history = make_history(self.content, self.learner.seen(user))
        self.learner.sync_rows(history.homes)
        return self.learner.ranker.score(history)

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
