"""The words names, places and subjects are made of."""

from __future__ import annotations

STEMS = (
    "Aster", "Boreal", "Cinder", "Delta", "Ember", "Fathom", "Granite", "Harbor", "Indigo", "Juniper", "Kestrel",
    "Lumen", "Meridian", "Nimbus", "Onyx", "Pinnacle", "Quarry", "Rowan", "Summit", "Tundra", "Umber", "Vantage",
    "Willow", "Xenia", "Yarrow", "Zephyr", "Alder", "Birch", "Cobalt", "Drift", "Echo", "Falcon", "Glacier",
    "Heron", "Iris", "Jasper", "Keel", "Larch", "Maple", "North", "Orchid", "Pine", "Quartz", "Raven", "Slate",
    "Thistle", "Ursa", "Violet", "Wren", "Yonder",
)  # fmt: skip
TRADES = (
    "Logistics", "Foods", "Robotics", "Health", "Media", "Energy", "Textiles", "Optics", "Freight", "Analytics",
    "Ceramics", "Aviation", "Paper", "Marine", "Software", "Tools", "Seeds", "Glass", "Rail", "Retail", "Pharma",
    "Steel", "Toys", "Water",
)  # fmt: skip
LEGAL_FORMS = {
    "US": "Inc.", "CA": "Ltd.", "DE": "GmbH", "FR": "SARL", "GB": "Ltd", "PL": "Sp. z o.o.", "ES": "S.L.", "NL": "B.V.",
    "JP": "K.K.", "SG": "Pte. Ltd.", "AU": "Pty Ltd", "IN": "Pvt. Ltd.", "BR": "Ltda.", "MX": "S.A. de C.V.",
    "AR": "S.A.", "CL": "SpA", "KW": "W.L.L.", "CH": "AG", "NO": "AS",
}  # fmt: skip
UNUSUAL_NAMES = (
    "Müller & Söhne GmbH", "株式会社北星", "Łódź Logistyka", "Ñandú S.A.", "Rocket 🚀 Works", "O'Brien Brothers",
    "Ægir Shipping AS", "Крылья", "شركة النور", "Café \"Central\"", "Beyoğlu İnşaat A.Ş.", "100% Öko_AG", "  Acme  ",
)  # fmt: skip
COUNTRIES = {
    "AMER": ("US", "US", "US", "CA"),
    "EMEA": ("DE", "DE", "FR", "GB", "PL", "ES", "NL", "CH", "NO"),
    "APAC": ("JP", "JP", "SG", "AU", "IN"),
    "LATAM": ("BR", "MX", "AR", "CL"),
}
PLACES = {
    "US": ("Portland", "1200 Alder Street", "97205"), "CA": ("Toronto", "48 King Street", "M5H 1A1"),
    "DE": ("München", "Lindwurmstraße 7", "80337"), "FR": ("Lyon", "3 rue de la République", "69001"),
    "GB": ("Leeds", "15 Park Row", "LS1 5HD"), "PL": ("Łódź", "ul. Piotrkowska 90", "90-103"),
    "ES": ("Málaga", "Calle Larios 4", "29005"), "NL": ("Utrecht", "Oudegracht 12", "3511 AB"),
    "JP": ("大阪市", "北区梅田1-1", "530-0001"), "SG": ("Singapore", "8 Marina View", "018960"),
    "AU": ("Melbourne", "300 Collins Street", "3000"), "IN": ("Pune", "12 MG Road", "411001"),
    "BR": ("São Paulo", "Av. Paulista 900", "01310-100"), "MX": ("Mérida", "Calle 60 491", "97000"),
    "AR": ("Córdoba", "San Martín 55", "X5000"), "CL": ("Valparaíso", "Condell 1190", "2340000"),
    "KW": ("Kuwait City", "Fahad Al-Salem Street", "13001"), "CH": ("Zürich", "Bahnhofstrasse 10", "8001"),
    "NO": ("Tromsø", "Storgata 25", "9008"),
}  # fmt: skip
INDUSTRIES = ("Technology", "Manufacturing", "Retail", "Healthcare", "Energy", "Transportation", "Media", None)
FIRST_NAMES = (
    "Ada", "Bruno", "Chloé", "Dmitri", "Eszter", "Farid", "Grace", "Hiroshi", "Inês", "Jürgen", "Kwame", "Lena",
    "Mateo", "Noor", "Olu", "Priya", "Quinn", "Rosa", "Søren", "Tomoko", "Uma", "Viktor", "Wei", "Ximena", "Yusuf",
    "Zofia",
)  # fmt: skip
LAST_NAMES = (
    "Abebe", "Bergström", "Castillo", "Dubois", "Eriksen", "Fischer", "García", "Hoffmann", "Ivanova", "Jansen",
    "Kowalski", "López", "Müller", "Nakamura", "O'Brien", "Patel", "Quiroga", "Rossi", "Smith", "Tanaka", "Ueda",
    "Vargas", "Wójcik", "Xu", "Şahin", "Zimmermann",
)  # fmt: skip
TITLES = ("Chief Financial Officer", "Accounts Payable", "Platform Engineer", "Office Manager", "Head of IT", None)
NOTES = (
    None,
    "Prefers calls in the morning.",
    "Renewal is decided by the procurement board; send papers 60 days ahead.",
    "Asked for a reference customer. Do not discuss prices with resellers.",
)
SUBJECTS = (
    "Cannot sign in with single sign-on", "Export stays at 99 %", "Question about the invoice", "API answers 502",
    "Add a second administrator", "Dashboard is empty since the upgrade", "Data residency certificate wanted",
    "Webhook arrives twice", "検索が遅い", "Rechnung enthält falsche Umsatzsteuer",
)  # fmt: skip
