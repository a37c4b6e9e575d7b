import DukkanTime

/// The tables of generated data as CSV bytes, a day at a time.
struct ShopRows: Sendable {
    enum Table: String, CaseIterable, Sendable {
        case customers, sessions, events, orders
    }

    let shop: Shop

    static func header(_ table: Table) -> String {
        switch table {
        case .customers: "customer_id,updated_at,country,language,marketing_consent,birth_year\n"
        case .sessions:
            """
            session_id,customer_id,started_at,duration_s,country,device,channel,campaign,landing_page,pageviews,bounced\n
            """
        case .events: "customer_id,ts,event,session_id,product_id,category,country,device,value\n"
        case .orders:
            """
            order_id,customer_id,ordered_at,session_id,status,payment,product_id,category,items,revenue,discount,\
            coupon,country,device\n
            """
        }
    }

    /// The date of a day of the shop, as `2025-01-02`.
    static func date(_ day: Int) -> [UInt8] {
        Array(CivilDate(days: Int64(Shop.firstDay + day)).description.utf8)
    }

    private func customer(_ customer: Int, _ row: inout CSVBuffer) {
        if shop.stringCustomers {
            row.hexadecimal(UInt64(customer) &* 11_400_714_819_323_198_485)
        } else {
            row.integer(customer)
        }
    }

    private static let trueText = Array("true".utf8), falseText = Array("false".utf8)

    func sessions(_ day: ShopDay) -> [UInt8] {
        var row = CSVBuffer()
        let date = ShopRows.date(day.day)
        for (index, session) in day.sessions.enumerated() {
            row.beginRow()
            row.integer(day.firstSession + index)
            row.comma()
            customer(session.customer, &row)
            row.comma()
            row.time(date, millisecondOfDay: session.start)
            row.comma()
            row.integer(session.durationSeconds)
            row.comma()
            row.text(Shop.countryNames[Int(session.country)])
            row.comma()
            row.text(Shop.deviceNames[Int(session.device)])
            row.comma()
            row.text(Shop.channelNames[Int(session.channel)])
            row.comma()
            if Shop.campaignChannels.contains(Int(session.channel)) {
                row.text(Shop.campaignNames[Int(session.campaign)])
            }
            row.comma()
            row.text(Shop.landingPageNames[Int(session.landingPage)])
            row.comma()
            row.integer(session.pageViews)
            row.comma()
            row.text(session.isBounce ? ShopRows.trueText : ShopRows.falseText)
            row.endRow()
        }
        return row.take()
    }

    func events(_ day: ShopDay) -> [UInt8] {
        var row = CSVBuffer()
        let date = ShopRows.date(day.day)
        for event in day.events {
            row.beginRow()
            customer(event.customer, &row)
            row.comma()
            row.time(date, millisecondOfDay: event.time)
            row.comma()
            row.text(Shop.eventNames[Int(event.event)])
            row.comma()
            row.integer(event.session)
            row.comma()
            let product = Int(event.product)
            if event.hasProduct { row.integer(product) }
            row.comma()
            if event.hasProduct { row.text(Shop.categoryNames[Int(shop.categories[product])]) }
            row.comma()
            row.text(Shop.countryNames[Int(event.country)])
            row.comma()
            row.text(Shop.deviceNames[Int(event.device)])
            row.comma()
            if event.hasProduct { row.money(Int(shop.prices[product])) }
            row.endRow()
        }
        return row.take()
    }

    /// One order for each purchase of the day, numbered from `first`.
    func orders(_ day: ShopDay, first: Int) -> [UInt8] {
        var row = CSVBuffer()
        let date = ShopRows.date(day.day)
        var random = RandomSource(seed: shop.seed, stream: UInt64(day.day) + 1_000_001)
        var number = first
        for event in day.events where event.event == ShopDay.Event.purchase {
            let product = Int(event.product)
            let items = random.geometric(0.55)
            let gross = Int(shop.prices[product]) * items
            let isDiscounted = random.unit() < 0.3
            let discount = isDiscounted ? gross * [5, 10, 20, 30][random.below(4)] / 100 : 0
            row.beginRow()
            row.integer(number)
            row.comma()
            customer(event.customer, &row)
            row.comma()
            row.time(date, millisecondOfDay: event.time)
            row.comma()
            row.integer(event.session)
            row.comma()
            row.text(Shop.statusNames[shop.statuses.next(&random)])
            row.comma()
            row.text(Shop.paymentNames[shop.payments.next(&random)])
            row.comma()
            row.integer(product)
            row.comma()
            row.text(Shop.categoryNames[Int(shop.categories[product])])
            row.comma()
            row.integer(items)
            row.comma()
            row.money(gross - discount)
            row.comma()
            row.money(discount)
            row.comma()
            let coupon = random.below(Shop.couponCount)
            if discount > 0 { row.text(Shop.couponNames[coupon]) }
            row.comma()
            row.text(Shop.countryNames[Int(event.country)])
            row.comma()
            row.text(Shop.deviceNames[Int(event.device)])
            row.endRow()
            number += 1
        }
        return row.take()
    }

    /// Customers who signed up in one of the `Shop.dayCount` days before the shop's first session.
    func customers(day: Int) -> [UInt8] {
        let first = shop.customerCount * day / Shop.dayCount
        let end = shop.customerCount * (day + 1) / Shop.dayCount
        var row = CSVBuffer()
        let date = ShopRows.date(day - Shop.dayCount)
        var random = RandomSource(seed: shop.seed, stream: UInt64(day) + 2_000_001)
        for index in first..<end {
            let home = Int(shop.homes[index])
            row.beginRow()
            customer(index, &row)
            row.comma()
            row.time(date, millisecondOfDay: ShopDay.millisecondCount / (end - first) * (index - first))
            row.comma()
            row.text(Shop.countryNames[home])
            row.comma()
            row.text(Shop.languageNames[random.unit() < 0.8 ? home % Shop.languageNames.count : 1])
            row.comma()
            row.text(random.unit() < 0.64 ? ShopRows.trueText : ShopRows.falseText)
            row.comma()
            row.integer(1945 + Int(62 * random.unit().squareRoot()))
            row.endRow()
        }
        return row.take()
    }
}
