"""The words that generated graphs are made of, English and Korean.

Rule: what is named once and shared by all plans; no triples here.
"""

TECHNOLOGIES = {
    "ai": ("Artificial intelligence", "인공지능"),
    "ai-semiconductors": ("AI semiconductors", "AI 반도체"),
    "5g-6g": ("5G and 6G communication", "5세대·6세대 이동통신"),
    "quantum": ("Quantum technology", "양자기술"),
    "metaverse": ("Metaverse", "메타버스"),
    "cybersecurity": ("Cybersecurity", "사이버보안"),
    "data": ("Data", "데이터"),
    "cloud": ("Cloud computing", "클라우드"),
    "robots": ("Robots", "로봇"),
    "blockchain": ("Blockchain", "블록체인"),
    "software": ("Software", "소프트웨어"),
    "supercomputers": ("Supercomputers", "슈퍼컴퓨터"),
    "autonomous-driving": ("Autonomous driving", "자율주행"),
    "digital-healthcare": ("Digital healthcare", "디지털 헬스케어"),
    "digital-twin": ("Digital twins", "디지털 트윈"),
    "early-warning": ("Early warning", "조기경보"),
}
SECTORS = {
    "agriculture": ("Agriculture", "농업"),
    "fisheries": ("Fisheries", "수산업"),
    "manufacturing": ("Manufacturing", "제조업"),
    "logistics": ("Logistics", "물류"),
    "education": ("Education", "교육"),
    "healthcare": ("Healthcare", "보건의료"),
    "culture": ("Culture", "문화"),
    "energy": ("Energy", "에너지"),
    "defense": ("Defence", "국방"),
    "public": ("Public administration", "공공행정"),
    "ports": ("Ports", "항만"),
    "disaster": ("Disaster response", "재난대응"),
}
BENEFICIARIES = {
    "citizens": ("Citizens", "국민"),
    "smes": ("Small and medium-sized firms", "중소기업"),
    "startups": ("Start-ups", "창업기업"),
    "young-people": ("Young people", "청년"),
    "workers": ("Workers", "근로자"),
    "vulnerable": ("Vulnerable people", "취약계층"),
}
MINISTRIES = {  # ten: queries/bench/rows-100000.rq multiplies by them
    "msit": ("Ministry of Science and ICT", "과학기술정보통신부"),
    "moe": ("Ministry of Education", "교육부"),
    "mois": ("Ministry of the Interior and Safety", "행정안전부"),
    "mcst": ("Ministry of Culture, Sports and Tourism", "문화체육관광부"),
    "mafra": ("Ministry of Agriculture, Food and Rural Affairs", "농림축산식품부"),
    "mnd": ("Ministry of National Defense", "국방부"),
    "mohw": ("Ministry of Health and Welfare", "보건복지부"),
    "moel": ("Ministry of Employment and Labor", "고용노동부"),
    "molit": ("Ministry of Land, Infrastructure and Transport", "국토교통부"),
    "mof": ("Ministry of Oceans and Fisheries", "해양수산부"),
}
COUNTRIES = {  # five: queries/bench/rows-500000.rq multiplies by them
    "korea": ("Korea", "대한민국"),
    "united-states": ("United States", "미국"),
    "canada": ("Canada", "캐나다"),
    "vietnam": ("Viet Nam", "베트남"),
    "estonia": ("Estonia", "에스토니아"),
}
CITIES = {
    "seoul": ("Seoul", "서울"),
    "busan": ("Busan", "부산"),
    "daejeon": ("Daejeon", "대전"),
    "gwangju": ("Gwangju", "광주"),
    "pohang": ("Pohang", "포항"),
}
UNITS = {
    "person": ("Person", "명"),
    "company": ("Company", "개사"),
    "place": ("Place", "개소"),
}
CODES = {
    "amount-basis": {
        "annual": ("Each year", "연간"),
        "total-over-period": ("Total over a period", "기간 총액"),
    },
    "comparator": {"exactly": ("Exactly", "정확히"), "more-than": ("More than", "초과")},
    "confidence": {"confirmed": ("Confirmed", "확인됨"), "probable": ("Probable", "유력함")},
    "instrument-status": {"to-be-enacted": ("To be enacted", "제정 예정")},
    "instrument-type": {"act": ("Act", "법률"), "special-act": ("Special act", "특별법")},
    "org-kind": {"agency": ("Agency", "전담기관"), "ministry": ("Ministry", "부처")},
    "outcome-status": {
        "enacted": ("Enacted", "제정"),
        "not-enacted": ("Not enacted", "미제정"),
        "unknown": ("Unknown", "미확인"),
    },
    "place-kind": {"city": ("City", "도시"), "country": ("Country", "국가")},
    "technology-tier": {"narrower": ("Narrower", "하위")},
    "timing-kind": {
        "by": ("By", "까지"),
        "open-start": ("From", "부터"),
        "range": ("From to", "부터 까지"),
    },
    "timing-scope": {"own": ("Own", "고유")},
}
WORKS = (
    ("Research on", "연구"),
    ("Pilot of", "실증"),
    ("Standards for", "표준화"),
    ("Training in", "인력양성"),
    ("Support of", "지원"),
    ("Platform for", "플랫폼"),
    ("Procurement of", "조달"),
    ("Safety of", "안전"),
)
YEARS = range(2017, 2037)
MONTHS = tuple(  # a hundred: the queries of many rows multiply by them
    f"{2020 + number // 12}-{number % 12 + 1:02}" for number in range(100)
)
