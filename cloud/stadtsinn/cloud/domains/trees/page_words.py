"""The words of the printed watering list."""

from __future__ import annotations

from collections.abc import Mapping

from stadtsinn.base.sentence import Sentence

WORDS: Mapping[str, Sentence] = {
    "title": Sentence("Watering list", "Gießliste"),
    "judged": Sentence("values up to {time}", "Messwerte bis {time} Uhr"),
    "not_judged": Sentence("not judged yet", "noch nicht beurteilt"),
    "total": Sentence("{trees}, {litres} l in {tours}", "{trees}, {litres} l in {tours}"),
    "one_tree": Sentence("tree", "Baum"),
    "many_trees": Sentence("trees", "Bäume"),
    "one_tour": Sentence("tour", "Tour"),
    "many_tours": Sentence("tours", "Touren"),
    "tank": Sentence("tank {litres} l", "Tank {litres} l"),
    "rain": Sentence("rain in 7 days {mm} mm", "Regen in 7 Tagen {mm} mm"),
    "forecast": Sentence("forecast for 48 h {mm} mm", "Vorhersage für 48 h {mm} mm"),
    "resting": Sentence(
        "{count} trees of dry groups were watered a short while ago and are not on the list.",
        "{count} Bäume trockener Gruppen wurden gerade erst gegossen und stehen nicht hier.",
    ),
    "resting_one": Sentence(
        "1 tree of a dry group was watered a short while ago and is not on the list.",
        "1 Baum einer trockenen Gruppe wurde gerade erst gegossen und steht nicht hier.",
    ),
    "without_group": Sentence(
        "{count} trees belong to no group: no sensor stands for them.",
        "{count} Bäume gehören zu keiner Gruppe: Kein Sensor steht für sie.",
    ),
    "without_group_one": Sentence(
        "1 tree belongs to no group: no sensor stands for it.",
        "1 Baum gehört zu keiner Gruppe: Kein Sensor steht für ihn.",
    ),
    "left_off": Sentence(
        "{count} more trees are due; the list ends here.",
        "{count} weitere Bäume sind fällig; die Liste endet hier.",
    ),
    "left_off_one": Sentence(
        "1 more tree is due; the list ends here.",
        "1 weiterer Baum ist fällig; die Liste endet hier.",
    ),
    "groups": Sentence("Groups", "Gruppen"),
    "group": Sentence("Group", "Gruppe"),
    "level": Sentence("Level", "Stufe"),
    "reason": Sentence("Reason", "Grund"),
    "sensor": Sentence("Sensor", "Sensor"),
    "sensor_good": Sentence("in order", "in Ordnung"),
    "station": Sentence("Station", "Messstelle"),
    "trees": Sentence("Trees", "Bäume"),
    "tour": Sentence("Tour {number}: {level}", "Tour {number}: {level}"),
    "tour_facts": Sentence(
        "{trees} · {litres} l · about {kilometres} km as the crow flies",
        "{trees} · {litres} l · etwa {kilometres} km Luftlinie",
    ),
    "length": Sentence("about {kilometres} km as the crow flies", "etwa {kilometres} km Luftlinie"),
    "nowhere": Sentence("Without coordinates", "Ohne Koordinaten"),
    "nowhere_facts": Sentence("{litres} l · in no order", "{litres} l · ohne Reihenfolge"),
    "tree": Sentence("Tree", "Baum"),
    "place": Sentence("Place", "Standort"),
    "species": Sentence("Species, standing year", "Art, Standjahr"),
    "year": Sentence("year {year}", "{year}. Jahr"),
    "litres": Sentence("Litres", "Liter"),
    "last": Sentence("Last", "Zuletzt"),
    "done_litres": Sentence("watered (l)", "gegossen (l)"),
    "done_time": Sentence("time", "Uhrzeit"),
    "done_by": Sentence("initials", "Kürzel"),
    "not_done": Sentence("not watered, because", "nicht gegossen, weil"),
    "nothing": Sentence("Nothing has to be watered today.", "Heute muss nichts gegossen werden."),
}
