"""Labels of partners: names, up to a bound."""

from infra.partner_labels import LABELS_MAX, OTHERS, UNKNOWN, PartnerLabels


def test_the_first_partners_have_their_names_and_the_others_share_a_label() -> None:
    labels = PartnerLabels()
    assert len({labels.of(f"p{number}") for number in range(LABELS_MAX + 5)}) == LABELS_MAX + 1
    assert labels.of("p0") == "p0"
    assert labels.of(f"p{LABELS_MAX}") == OTHERS
    assert labels.of(None) == UNKNOWN
