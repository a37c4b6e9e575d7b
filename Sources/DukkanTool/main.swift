print("dukkan")
