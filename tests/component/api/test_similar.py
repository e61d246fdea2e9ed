"""Similar titles, in every sense there is."""

from infra.postgres.embeddings import Nearest
from schemas.codec import encode
from schemas.neighbours import Neighbour, Neighbours
from tests.component.api.fakes import a_content, ids
from tests.component.api.test_webhooks import problem


def test_similar_lists_neighbours_that_are_in_the_catalogue(world, get):
    for name in ("film-1", "film-3"):
        world.database.add_content(a_content(name))
    found = Neighbours(
        content_id="film-1", model_version=4,
        neighbours=tuple(Neighbour(content_id=f"film-{n}", weight=1 / n) for n in (2, 3)),
    )  # fmt: skip
    world.database.neighbours["film-1"] = encode(found)
    response = get("/api/v1/content/film-1/similar", by="cowatch")
    assert ids(response) == ["film-3"]
    assert response.json()["model_version"] == 4
    assert "shared" not in response.json()["entries"][0]
    assert ids(get("/api/v1/content/film-3/similar")) == []
    problem(get("/api/v1/content/film-9/similar"), 404, "not-found")
    refused = problem(get("/api/v1/content/film-1/similar", by="magic"), 400, "invalid-content")
    assert (
        refused["detail"]
        == "by: expected cowatch or embedding or genre or cast or director or themes"
    )


def test_similar_by_attribute_says_what_is_shared(world, get):
    world.database.add_content(a_content("film-1", **SPACE))
    world.database.add_content(a_content("film-2", genres=("Drama", "science fiction")))
    world.database.add_content(a_content("film-3", genres=("Drama",), directors=("ANA RUIZ",)))
    world.database.add_content(a_content("film-4", genres=("Comedy",)))
    response = get("/api/v1/content/film-1/similar", by="genre")
    assert ids(response) == ["film-2", "film-3"]
    first = response.json()["entries"][0]
    assert first == {
        "content_id": "film-2", "title": "Title of film-2", "score": 1.0,
        "shared": ["Science Fiction", "Drama"],
    }  # fmt: skip
    assert "model_version" not in response.json()
    assert ids(get("/api/v1/content/film-1/similar", by="genre", limit=1)) == ["film-2"]
    by_director = get("/api/v1/content/film-1/similar", by="director")
    assert ids(by_director) == ["film-3"]
    assert by_director.json()["entries"][0]["shared"] == ["Ana Ruiz"]
    assert ids(get("/api/v1/content/film-1/similar", by="themes")) == []


def test_similar_by_embedding_lists_the_nearest_with_the_encoder(world, get):
    for name in ("film-1", "film-2"):
        world.database.add_content(a_content(name))
    titles = [("film-3", "Nosferatu", 0.75), ("film-2", "Faust", 0.5)]
    world.database.nearest["film-1"] = Nearest("encoder-1", titles)
    path = "/api/v1/content/film-1/similar"
    body = get(path, by="embedding").json()
    assert body == {
        "content_id": "film-1", "by": "embedding", "encoder": "encoder-1",
        "entries": [
            {"content_id": "film-3", "title": "Nosferatu", "score": 0.75},
            {"content_id": "film-2", "title": "Faust", "score": 0.5},
        ],
    }  # fmt: skip
    assert ids(get(path, by="embedding", limit=1)) == ["film-3"]
    assert get("/api/v1/content/film-2/similar", by="embedding").json() == {
        "content_id": "film-2", "by": "embedding", "entries": [],
    }  # fmt: skip
    problem(get("/api/v1/content/film-9/similar", by="embedding"), 404, "not-found")
    problem(get(path, by="embedding|cowatch"), 400, "invalid-content")


SPACE = {"genres": ("Science Fiction", "Drama"), "directors": ("Ana Ruiz",)}


def test_an_episode_is_similar_to_what_its_series_is_and_parts_are_never_shown(world, get):
    world.database.add_content(a_content("show", type="series", **SPACE))
    world.database.add_content(a_content("pilot", type="episode", series_id="show", **SPACE))
    world.database.add_content(a_content("film-1", **SPACE))
    world.database.add_content(a_content("cut", version_of="film-1", **SPACE))
    world.database.add_content(a_content("lost", type="episode", series_id="gone", **SPACE))
    world.database.add_content(a_content("egg", version_of="hen", **SPACE))
    world.database.add_content(a_content("hen", version_of="egg", **SPACE))
    answers = {"pilot": ["film-1"], "cut": ["show"], "lost": [], "egg": []}
    for content_id, expected in answers.items():
        response = get(f"/api/v1/content/{content_id}/similar", by="genre")
        assert ids(response) == expected
        assert response.json()["content_id"] == content_id
